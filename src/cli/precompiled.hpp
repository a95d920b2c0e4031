// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What nearly every source of the tool includes; only a matter of build time. Nothing of this project's own: with
// `#pragma once`, g++ knows a header of a precompiled one by its time, which a compiler cache does not keep.
#pragma once

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/asio.hpp>
