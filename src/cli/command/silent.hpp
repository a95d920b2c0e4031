// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

namespace CLI {
class App;
}

namespace jobmode::cli {

/// Adds `jobmode silent`: the backup sets whose expected backups are missing.
void register_silent(CLI::App& root, int& exit_code);

}  // namespace jobmode::cli
