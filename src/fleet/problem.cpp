// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "fleet/problem.hpp"

#include "fleet/item_result.hpp"
#include "fleet/nats.hpp"

namespace jobmode::fleet {

cli::crawl_problem problem_of(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const nats_error& problem) {
        return {problem.unreachable() ? cli::exit_code::unreachable : cli::exit_code::some_failed, problem.what(),
                false};
    } catch (const malformed_result& problem) {
        return {cli::exit_code::some_failed, problem.what(), false};
    } catch (const std::exception&) {
        return cli::problem_of(failure);
    }
}

cli::exit_code guarded(const std::function<cli::exit_code()>& command) {
    try {
        return command();
    } catch (const std::exception&) {
        const cli::crawl_problem problem = problem_of(std::current_exception());
        return problem.unread ? problem.code : cli::fail(problem.code, problem.text);
    }
}

}  // namespace jobmode::fleet
