// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
#include "policy/address_book.hpp"

#include <cstddef>
#include <vector>

#include "catch.hpp"

namespace address_book_test {

using jobmode::policy::address_book;
using order = std::vector<std::size_t>;

TEST_CASE("addresses that nothing is known of are tried in their order") {
    address_book book;
    CHECK(book.size() == 0);
    CHECK(book.order().empty());
    book.reset(3);
    CHECK(book.size() == 3);
    CHECK(book.order() == order{0, 1, 2});
    CHECK(book.order() == order{0, 1, 2});
}

TEST_CASE("addresses that work take turns, before those that nothing is known of") {
    address_book book;
    book.reset(4);
    book.worked(1);
    book.worked(3);
    CHECK(book.order() == order{1, 3, 0, 2});
    CHECK(book.order() == order{3, 1, 0, 2});
    CHECK(book.order() == order{1, 3, 0, 2});
}

TEST_CASE("addresses that failed come last until they work") {
    address_book book;
    book.reset(3);
    book.failed(0);
    CHECK(book.order() == order{1, 2, 0});
    book.worked(2);
    CHECK(book.order() == order{2, 1, 0});
    book.failed(2);
    CHECK(book.order() == order{1, 0, 2});
    book.worked(0);
    CHECK(book.order() == order{0, 1, 2});
}

TEST_CASE("other addresses are other addresses") {
    address_book book;
    book.reset(2);
    book.failed(0);
    book.reset(3);
    CHECK(book.order() == order{0, 1, 2});
    // Of a connection that was opened to an address that is no more.
    book.failed(7);
    book.worked(7);
    CHECK(book.order() == order{0, 1, 2});
}

}  // namespace address_book_test
