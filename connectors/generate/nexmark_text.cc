#include "connectors/generate/nexmark_text.h"

#include <array>
#include <cstdlib>

namespace streamrun::generate {
namespace {

constexpr std::array<std::string_view, 11> kFirstNames = {
    "Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"};
constexpr std::array<std::string_view, 9> kLastNames = {"Shultz", "Abrams", "Spencer", "White", "Bartels",
                                                        "Walton", "Smith",  "Jones",   "Noris"};
constexpr std::array<std::string_view, 10> kCities = {"Phoenix",  "Los Angeles", "San Francisco", "Boise",
                                                      "Portland", "Bend",        "Redmond",       "Seattle",
                                                      "Kent",     "Cheyenne"};
constexpr std::array<std::string_view, 6> kStates = {"AZ", "CA", "ID", "OR", "WA", "WY"};
constexpr std::array<std::string_view, 4> kHotChannels = {"Google", "Facebook", "Baidu", "Apple"};

template <size_t N>
std::string_view OneOf(const std::array<std::string_view, N>& texts, uint64_t random) {
  return texts[Below(random, N)];
}

/// Eight bytes of chance as eight letters: each byte times 26 / 256, four 16-bit lanes at a time.
uint64_t Letters(uint64_t random) {
  constexpr uint64_t kLow = 0x00ff00ff00ff00ffull;
  const uint64_t even = ((random & kLow) * 26 >> 8) & kLow;
  const uint64_t odd = ((random >> 8 & kLow) * 26) & ~kLow;
  return (even | odd) + 0x6161616161616161ull;
}

uint32_t ReverseBits(uint32_t v) {
  v = (v >> 1 & 0x55555555u) | (v & 0x55555555u) << 1;
  v = (v >> 2 & 0x33333333u) | (v & 0x33333333u) << 2;
  v = (v >> 4 & 0x0f0f0f0fu) | (v & 0x0f0f0f0fu) << 4;
  return __builtin_bswap32(v);
}

void PutPage(TextWriter& out, const RandomStream& random, uint64_t row) {
  out.Put("https://www.nexmark.com/");
  for (uint64_t part = 0; part < 3; ++part) {
    out.PutWord(random.At(row, part), 5, '_');
    out.Put('/');
  }
  out.Put("item.htm?query=1");
}

}  // namespace

void TextWriter::PutLetters(uint64_t seed, size_t length) {
  uint8_t* out = data_.Ensure(length + 8);
  for (size_t k = 0; k < length; k += 8) {
    const uint64_t letters = Letters(Mix(seed + k * RandomStream::kStep));
    std::memcpy(out + k, &letters, 8);
  }
  data_.Advance(length);
}

void TextWriter::PutWord(uint64_t seed, size_t max, char blank) {
  const size_t length = 3 + Below(seed, max - 3);
  uint8_t* out = data_.Ensure(length);
  for (size_t k = 0; k < length; ++k) {
    const uint64_t r = Mix(seed + (k + 1) * RandomStream::kStep);
    // A blank at an end would be trimmed by the benchmark's reference generator: only letters stand there.
    const bool inner = k > 0 && k + 1 < length;
    out[k] =
        static_cast<uint8_t>(inner && Below(r, 13) == 0 ? blank : 'a' + static_cast<char>(Below(Mix(r), 26)));
  }
  data_.Advance(length);
}

void TextWriter::PutDigits(uint64_t value, int digits) {
  uint8_t* out = data_.Ensure(static_cast<size_t>(digits));
  for (int k = digits; k-- > 0; value /= 10) out[k] = static_cast<uint8_t>('0' + value % 10);
  data_.Advance(static_cast<size_t>(digits));
}

std::string_view FirstName(uint64_t random) { return OneOf(kFirstNames, random); }
std::string_view LastName(uint64_t random) { return OneOf(kLastNames, random); }
std::string_view City(uint64_t random) { return OneOf(kCities, random); }
std::string_view State(uint64_t random) { return OneOf(kStates, random); }

Channels::Channels(RandomStream random) {
  TextWriter name(kHot + kOthers, 16), url(kHot + kOthers, 80);
  for (uint32_t i = 0; i < kHot + kOthers; ++i) {
    PutPage(url, random, i);
    if (i < kHot) {
      name.Put(kHotChannels[i]);
    } else {
      name.Put("channel-" + std::to_string(i - kHot));
      if (Below(random.At(i, 3), 10) > 0) {
        const auto id = static_cast<int32_t>(ReverseBits(i - kHot));
        url.Put("&channel_id=" + std::to_string(std::abs(static_cast<int64_t>(id))));
      }
    }
    name.EndRow();
    url.EndRow();
  }
  names = name.Finish();
  urls = url.Finish();
}

uint32_t Channels::Pick(uint64_t random) {
  if ((random & 1) != 0) return static_cast<uint32_t>(Below(random, kHot));
  return kHot + static_cast<uint32_t>(Below(random, kOthers));
}

}  // namespace streamrun::generate
