// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// A client's metrics as Prometheus reads them, for an endpoint or a textfile: prometheus URL
#include <jobmode/client.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>

#include "settings.hpp"

namespace {

void counter(std::ostream& out, const char* name, const char* help, std::uint64_t value) {
    out << "# HELP " << name << ' ' << help << "\n# TYPE " << name << " counter\n" << name << ' ' << value << '\n';
}

void gauge(std::ostream& out, const char* name, const char* help, std::uint64_t value) {
    out << "# HELP " << name << ' ' << help << "\n# TYPE " << name << " gauge\n" << name << ' ' << value << '\n';
}

void write_metrics(std::ostream& out, const jobmode::metrics& numbers) {
    counter(out, "jobmode_queries_total", "Queries that ended.", numbers.queries);
    counter(out, "jobmode_failures_total", "Queries that failed.", numbers.failures);
    counter(out, "jobmode_records_total", "Records decoded.", numbers.records);
    counter(out, "jobmode_retries_total", "Attempts after the first.", numbers.retries);
    counter(out, "jobmode_connections_opened_total", "Connections opened.", numbers.connections_opened);
    gauge(out, "jobmode_connections", "Connections open.", numbers.connections);
    gauge(out, "jobmode_in_flight", "Queries sent and not yet answered.", numbers.in_flight);
    const char* const name = "jobmode_latency_seconds";
    out << "# HELP " << name << " From sending a request to the end of its answer.\n# TYPE " << name << " summary\n";
    for (const double q : std::array{0.5, 0.95, 0.99})
        out << name << "{quantile=\"" << q << "\"} "
            << std::chrono::duration<double>(numbers.latency.quantile(q)).count() << '\n';
    out << name << "_sum " << std::chrono::duration<double>(numbers.latency.sum).count() << '\n'
        << name << "_count " << numbers.latency.count << '\n';
}

boost::asio::awaitable<void> ask(jobmode::client_config config) {
    jobmode::client client(co_await boost::asio::this_coro::executor, std::move(config));
    const jobmode::query query("obm", "2024-06-26");
    for (int time = 0; time != 3; ++time)
        co_await client.async_list(query);
    write_metrics(std::cout, client.metrics());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: prometheus URL\n";
        return 2;
    }
    try {
        boost::asio::io_context context(1);
        boost::asio::co_spawn(context, ask(settings(argv[1])), [](std::exception_ptr failure) {
            if (failure)
                std::rethrow_exception(failure);
        });
        context.run();
    } catch (const std::exception& failure) {
        std::cerr << "prometheus: " << failure.what() << '\n';
        return 1;
    }
    return 0;
}
