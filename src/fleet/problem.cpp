// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "fleet/problem.hpp"

#include <exception>

#include "cli/crawl_problem.hpp"
#include "fleet/item_result.hpp"
#include "fleet/nats.hpp"

namespace jobmode::fleet {

cli::exit_code guarded(const std::function<cli::exit_code()>& command) {
    try {
        return command();
    } catch (const nats_error& problem) {
        return cli::fail(problem.unreachable() ? cli::exit_code::unreachable : cli::exit_code::some_failed,
                         problem.what());
    } catch (const malformed_result& problem) {
        return cli::fail(cli::exit_code::some_failed, problem.what());
    } catch (const std::exception&) {
        const cli::crawl_problem problem = cli::problem_of(std::current_exception());
        return problem.unread ? problem.code : cli::fail(problem.code, problem.text);
    }
}

}  // namespace jobmode::fleet
