// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

/// Marks what a shared library of this name hands out; everything else of it is hidden.
#define JOBMODE_EXPORT __attribute__((visibility("default")))
