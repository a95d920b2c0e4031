// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
// Included by record_lane.cpp, once for each kind of lane: into a namespace that has its `match`.

inline const char* run(record_shape& shape, bool comma, const char* at, const char* end, std::size_t field_bytes,
                       std::size_t most, std::vector<record_view>& out) {
    for (; most != 0; --most, comma = true) {
        const char* begin = at;
        if (comma) {
            begin = space_end(at, end);
            if (begin == end || *begin++ != ',')
                break;
        }
        const char* const next = match(shape, begin, end, field_bytes, out.emplace_back(shape.blank()));
        if (!next) {
            out.pop_back();
            break;
        }
        at = next;
    }
    return at;
}
