// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "cli/command/crawl_problem.hpp"

#include <boost/system/system_error.hpp>

#include "cli/messages/failure.hpp"
#include "store/database.hpp"
#include "store/record_sink.hpp"

namespace jobmode::cli {

crawl_problem problem_of(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const store::output_unread&) {
        return {exit_code::all_answered, {}, true};
    } catch (const usage_problem& problem) {
        return {exit_code::usage, problem.what(), false};
    } catch (const bulk_refused& problem) {
        return {exit_code::usage, problem.what(), false};
    } catch (const boost::system::system_error& problem) {
        return {exit_code::usage, words_of(problem), false};
    } catch (const store::database_error& problem) {
        const bool is_choice = problem.code() == SQLITE_BUSY || problem.code() == SQLITE_NOTADB;
        return {is_choice ? exit_code::usage : exit_code::some_failed, problem.what(), false};
    } catch (const std::exception& problem) {
        return {exit_code::some_failed, problem.what(), false};
    }
}

exit_code exit_code_of(const bulk_problem& problem) noexcept {
    switch (problem.what) {
        case bulk_problem::kind::configuration:
        case bulk_problem::kind::no_users:
            return exit_code::usage;
        case bulk_problem::kind::authentication_refused:
            return exit_code::authentication_refused;
        case bulk_problem::kind::unreachable:
            return exit_code::unreachable;
        case bulk_problem::kind::failed:
            break;
    }
    return exit_code::some_failed;
}

}  // namespace jobmode::cli
