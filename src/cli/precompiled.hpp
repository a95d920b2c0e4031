// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What nearly every source of the tool includes; only a matter of build time.
#pragma once

#include <jobmode/crawl.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/asio.hpp>
