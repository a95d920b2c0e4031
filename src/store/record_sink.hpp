// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <jobmode/bulk/record_sink.hpp>

namespace jobmode::store {

/// Nobody reads the output any more, as in `jobmode crawl ... | head`.
class output_unread : public sink_error {
public:
    output_unread() : sink_error("nobody reads the output any more") {}
};

}  // namespace jobmode::store
