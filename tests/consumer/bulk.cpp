// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// A user's program with a durable crawl: bulk_consumer URL
#include <jobmode/bulk/bulk_crawl.hpp>

#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>

int main(int, char** argv) {
    jobmode::client_config config(argv[1]);
    config.sys_user = std::getenv("JOBMODE_SYS_USER");
    config.sys_pwd = jobmode::secret::from_environment("JOBMODE_SYS_PWD");
    config.tls.ca_file = std::getenv("JOBMODE_CA");
    jobmode::bulk_options options;
    options.servers.push_back({"server", config, std::nullopt});
    options.from = options.to = jobmode::date_or_job_id("2024-06-26").date();
    boost::asio::io_context context;
    jobmode::bulk_crawl crawl(context.get_executor(), options,
                              jobmode::make_file_sink(jobmode::sink_format::ndjson, "/dev/null", {"server"}));
    crawl.async_run([](std::exception_ptr failure, jobmode::bulk_summary summary) {
        if (failure)
            std::rethrow_exception(failure);
        std::cout << summary.counts.done << " of " << summary.counts.total << " answered\n";
    });
    context.run();
}
