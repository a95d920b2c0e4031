// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <string>
#include <string_view>

namespace jobmode::report {

/// The page of `jobmode report` with its data, as `report_data::to_json` makes it, and its title, as plain text. The
/// page needs no other file and no network, and its policy (CSP) lets no script run but its own.
std::string report_page(std::string_view title, std::string_view data);

/// The parts of the page: src/report/page/report.html, .css and .js, put into the program by the build.
extern const std::string_view report_html;
extern const std::string_view report_css;
extern const std::string_view report_js;

}  // namespace jobmode::report
