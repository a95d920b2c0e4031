// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What nearly every source below src/bulk includes; only a matter of build time.
#pragma once

#include <fmt/format.h>
#include <boost/asio.hpp>
