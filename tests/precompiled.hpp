// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What nearly every test includes; only a matter of build time.
#pragma once

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/json.hpp>

#include "catch.hpp"
