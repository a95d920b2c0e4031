// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// What nearly every source below src/net and src/sim includes; only a matter of build time.
#pragma once

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>
