// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Looks for a password in all of its own memory, while a client has it and once it is gone. Prints how often it was
// found each time.
//   leftovers URL CA_FILE MASKED_PASSWORD...   the password's bytes as numbers, each XOR 0x55
#include <jobmode/client.hpp>

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/mman.h>
#include <unistd.h>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr unsigned char mask = 0x55;
constexpr std::size_t piece = 1U << 20U;

/// What is looked for is never in memory itself.
class search {
public:
    explicit search(std::vector<unsigned char> masked)
        : masked_(std::move(masked)),
          mem_(::open("/proc/self/mem", O_RDONLY | O_CLOEXEC)),
          buffer_(static_cast<unsigned char*>(
              ::mmap(nullptr, piece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {}

    std::size_t count() {
        std::vector<std::pair<std::uintptr_t, std::uintptr_t>> places;
        {
            std::ifstream maps("/proc/self/maps");
            for (std::string line; std::getline(maps, line);) {
                unsigned long begin = 0;
                unsigned long end = 0;
                char rights[5]{};
                // What a sanitizer keeps for itself is larger than anything that a client has.
                if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, rights) == 3 && rights[0] == 'r' &&
                    rights[1] == 'w' && end - begin < (1UL << 30U))
                    places.emplace_back(begin, end);
            }
        }
        std::size_t found = 0;
        for (const auto& [begin, end] : places)
            for (std::uintptr_t at = begin; at < end; at += piece - masked_.size())
                found += count_in(at, std::min<std::uintptr_t>(end - at, piece));
        return found;
    }

private:
    std::size_t count_in(std::uintptr_t at, std::size_t size) {
        const auto own = reinterpret_cast<std::uintptr_t>(buffer_);
        if (at < own + piece && own < at + size)
            return (at < own ? count_in(at, own - at) : 0) +
                   (own + piece < at + size ? count_in(own + piece, at + size - own - piece) : 0);
        const ssize_t got = ::pread(mem_, buffer_, size, static_cast<off_t>(at));
        std::size_t found = 0;
        for (ssize_t from = 0; from + static_cast<ssize_t>(masked_.size()) <= got; ++from) {
            std::size_t same = 0;
            while (same != masked_.size() && (buffer_[static_cast<std::size_t>(from) + same] ^ mask) == masked_[same])
                ++same;
            found += same == masked_.size() ? 1 : 0;
        }
        OPENSSL_cleanse(buffer_, piece);
        return found;
    }

    std::vector<unsigned char> masked_;
    int mem_;
    unsigned char* buffer_;
};

jobmode::secret unmask(const std::vector<unsigned char>& masked) {
    jobmode::cleansed_buffer plain;
    plain.reserve(masked.size());
    for (const unsigned char byte : masked)
        plain.push_back(static_cast<char>(byte ^ mask));
    return jobmode::secret({plain.data(), plain.size()});
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4)
        return EXIT_FAILURE;
    std::vector<unsigned char> masked;
    for (int index = 3; index != argc; ++index)
        masked.push_back(static_cast<unsigned char>(std::strtoul(argv[index], nullptr, 10)));
    search memory(masked);
    std::size_t during = 0;
    int answered = 0;
    {
        boost::asio::io_context context(1);
        std::optional<jobmode::client> client;
        {
            jobmode::client_config config(argv[1]);
            config.sys_user = "system";
            config.sys_pwd = unmask(masked);
            config.tls.ca_file = argv[2];
            client.emplace(context.get_executor(), std::move(config));
        }
        constexpr int queries = 20;
        int ended = 0;
        for (int count = 0; count != queries; ++count)
            client->async_list({"obm", "2024-06-26"}, [&](jobmode::error_code ec, const std::vector<jobmode::record>&) {
                answered += ec ? 0 : 1;
                if (++ended != queries)
                    return;
                during = memory.count();
                client.reset();
            });
        context.run();
    }
    std::printf("%d answered, %zu copies during, %zu after\n", answered, during, memory.count());
    return EXIT_SUCCESS;
}
