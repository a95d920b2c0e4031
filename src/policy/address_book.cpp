// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "policy/address_book.hpp"

#include <algorithm>

namespace jobmode::policy {

void address_book::reset(std::size_t count) {
    failed_.assign(count, false);
    works_.assign(count, false);
    turn_ = 0;
}

std::vector<std::size_t> address_book::order() {
    std::vector<std::size_t> known;
    std::vector<std::size_t> others;
    std::vector<std::size_t> bad;
    for (std::size_t index = 0; index != failed_.size(); ++index)
        (failed_[index] ? bad : works_[index] ? known : others).push_back(index);
    if (!known.empty())
        std::rotate(known.begin(), known.begin() + static_cast<std::ptrdiff_t>(turn_++ % known.size()), known.end());
    known.insert(known.end(), others.begin(), others.end());
    known.insert(known.end(), bad.begin(), bad.end());
    return known;
}

void address_book::failed(std::size_t index) noexcept {
    if (index >= failed_.size())
        return;
    failed_[index] = true;
    works_[index] = false;
}

void address_book::worked(std::size_t index) noexcept {
    if (index >= failed_.size())
        return;
    failed_[index] = false;
    works_[index] = true;
}

}  // namespace jobmode::policy
