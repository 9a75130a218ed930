#include "core/stream/framing.h"

#include <doctest/doctest.h>

#include <random>

#include "tests/core/stream/recording_output.h"

namespace streamrun {
namespace {

using Lines = std::vector<std::string>;

std::string Frame(std::string_view payload, bool big) {
  uint32_t length = static_cast<uint32_t>(payload.size());
  if (big) length = __builtin_bswap32(length);
  std::string frame(4, '\0');
  std::memcpy(frame.data(), &length, 4);
  return frame.append(payload);
}

// Feeds `input` in pieces of `step` bytes.
RecordingOutput Run(FramingOptions options, std::string_view input, size_t step, bool complete = true) {
  RecordFramer framer(options);
  RecordingOutput out;
  Chunk prototype;
  prototype.split = std::make_shared<const std::string>("test");
  for (size_t at = 0; at < input.size(); at += step) {
    const std::string_view piece = input.substr(at, step);
    std::memcpy(framer.Space(piece.size()), piece.data(), piece.size());
    framer.Filled(piece.size());
    while (framer.Emit(out, prototype)) {
    }
    CHECK(framer.pending() <= std::max(options.max_record, kFailedPrefix) + step + 4);
  }
  framer.End(complete);
  while (framer.Emit(out, prototype)) {
  }
  CHECK(framer.pending() == 0);
  return out;
}

TEST_CASE("lines come out whole and with their offsets, however the bytes arrive") {
  const std::string input = "one\ntwo\r\n\nfour is longer\nlast";
  for (size_t step = 1; step <= input.size(); ++step) {
    const RecordingOutput out = Run({}, input, step);
    CHECK(out.Lines() == Lines{"one", "two\r", "", "four is longer", "last"});
    CHECK(out.failures.empty());
    for (const auto& record : out.records) {
      CHECK(input.substr(static_cast<size_t>(record.offset), record.bytes.size()) == record.bytes);
    }
  }
}

TEST_CASE("a stream that is cut reports its last line instead of giving it out") {
  const RecordingOutput out = Run({}, "one\ntw", 4, false);
  CHECK(out.Lines() == Lines{"one"});
  REQUIRE(out.failures.size() == 1);
  CHECK(out.failures[0].code == "record.truncated");
  CHECK(out.failures[0].raw == "tw");
  CHECK(out.failures[0].offset == 4);
}

TEST_CASE("a line longer than max_record is reported once by its beginning, its neighbours arrive") {
  const std::string longer(5000, 'x');
  const std::string input = "ab\n" + longer + "\ncd\n" + longer + "\n" + longer + "\nef";
  for (const size_t step : {1, 7, 100, 4999, 20000}) {
    const RecordingOutput out = Run({.max_record = 100}, input, step);
    CHECK(out.Lines() == Lines{"ab", "cd", "ef"});
    REQUIRE(out.failures.size() == 3);
    CHECK(out.failures[0].code == "record.too_long");
    CHECK(out.failures[0].offset == 3);
    CHECK(out.failures[1].offset == 3 + 5001 + 3);
    CHECK(out.failures[0].raw.size() >= 100);
    CHECK(out.failures[0].raw.size() <= kFailedPrefix);
    CHECK(out.records.back().offset == static_cast<int64_t>(input.size()) - 2);
  }
}

TEST_CASE("max_record counts the bytes before the newline") {
  for (const size_t step : {1, 3, 64}) {
    CHECK(Run({.max_record = 4}, "abcd\nabcde\nabcd", step).Lines() == Lines{"abcd", "abcd"});
    CHECK(Run({.max_record = 4}, "abcd\nabcd\nabcde", step).failures.size() == 1);
  }
}

TEST_CASE("WholeRecords ends before the first long or unfinished record") {
  const auto whole = [](std::string_view text, size_t max) {
    return WholeRecords(reinterpret_cast<const uint8_t*>(text.data()), text.size(), max);
  };
  CHECK(whole("", 3) == 0);
  CHECK(whole("ab\ncd\nef", 3) == 6);
  CHECK(whole("ab\ncdef\nef\n", 3) == 3);
  CHECK(whole("abcd\n", 3) == 0);
  CHECK(whole("abc\n", 3) == 4);
}

TEST_CASE("a newline in a quoted field does not end the record") {
  FramingOptions options;
  options.quote = '"';
  const std::string input = "a,\"x\ny\",1\nb,5\" pipe,2\n\"say \"\"hi\n\"\"\",3\nc,4";
  for (size_t step = 1; step <= input.size(); ++step) {
    RecordFramer framer(options);
    const RecordingOutput out = Run(options, input, step);
    std::string all;
    for (const Chunk& chunk : out.chunks) {
      all += chunk.bytes->view();
      const std::string_view bytes = chunk.bytes->view();
      CHECK((bytes.starts_with("a,") || bytes.starts_with("b,") || bytes.starts_with("\"say") ||
             bytes.starts_with("c,")));
    }
    CHECK(all == input);
    CHECK(out.failures.empty());
  }
}

TEST_CASE("a quote that is never closed costs its line, not the rest of the file") {
  FramingOptions options;
  options.quote = '"';
  options.max_record = 40;
  std::string input = "a,1\nb,\"open\n";
  for (int i = 0; i < 20; ++i) input += "row," + std::to_string(i) + "\n";
  for (const size_t step : {1, 5, 1000}) {
    const RecordingOutput out = Run(options, input, step);
    CHECK(out.records.size() == 21);
    CHECK(out.failures.size() == 1);
    CHECK(out.failures[0].raw.starts_with("b,\"open"));
  }
  const RecordingOutput at_end = Run(options, "a,1\nb,\"open\nc,3\n", 1000);
  CHECK(at_end.Lines() == Lines{"a,1", "c,3"});
  CHECK(at_end.failures.at(0).code == "record.open_quote");
}

TEST_CASE("length frames come out without their lengths and numbered") {
  for (const bool big : {true, false}) {
    const FramingOptions options{.framing = big ? Framing::kLengthBig : Framing::kLengthLittle,
                                 .max_record = 10};
    const std::string input = Frame("one", big) + Frame("", big) + Frame("a\nb", big) +
                              Frame(std::string(3000, 'x'), big) + Frame("five", big);
    for (const size_t step : {1, 2, 3, 5, 11, 4000}) {
      const RecordingOutput out = Run(options, input, step);
      CHECK(out.Lines() == Lines{"one", "", "a\nb", "five"});
      REQUIRE(out.records.size() == 4);
      CHECK(out.records[3].offset == 4);
      REQUIRE(out.failures.size() == 1);
      CHECK(out.failures[0].raw == std::string(kFailedPrefix, 'x'));
      CHECK(out.failures[0].offset == 3);
    }
  }
}

TEST_CASE("a peer that goes away within a frame leaves a truncated record") {
  const std::string input = Frame("one", true) + Frame("two", true).substr(0, 6);
  const RecordingOutput out = Run({.framing = Framing::kLengthBig}, input, 4, false);
  CHECK(out.Lines() == Lines{"one"});
  REQUIRE(out.failures.size() == 1);
  CHECK(out.failures[0].code == "record.truncated");
}

TEST_CASE("a header line is taken before the records, also when it comes in pieces") {
  RecordFramer framer{FramingOptions{}};
  std::string line;
  const auto feed = [&](std::string_view bytes) {
    std::memcpy(framer.Space(bytes.size()), bytes.data(), bytes.size());
    framer.Filled(bytes.size());
  };
  feed("a,");
  CHECK(!*framer.TakeLine(&line));
  feed("b\r\n1,2\n");
  CHECK(*framer.TakeLine(&line));
  CHECK(line == "a,b");
  RecordingOutput out;
  CHECK(framer.Emit(out, Chunk{}));
  CHECK(out.Lines() == Lines{"1,2"});
  CHECK(out.records[0].offset == 5);
}

TEST_CASE("random lines in random pieces lose nothing") {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::string input;
    Lines expected;
    const size_t max = 1 + random() % 30;
    size_t failed = 0;
    for (size_t i = random() % 20; i > 0; --i) {
      const std::string line(random() % 40, static_cast<char>('a' + i % 26));
      input += line + "\n";
      line.size() <= max ? expected.push_back(line) : void(++failed);
    }
    const RecordingOutput out = Run({.max_record = max}, input, 1 + random() % 50);
    CHECK(out.Lines() == expected);
    CHECK(out.failures.size() == failed);
  }
}

}  // namespace
}  // namespace streamrun
