// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>

#include "catch.hpp"
