// The aligner: least watermark, idleness, barriers, end, and the merge by ordinal.
#include <doctest/doctest.h>

#include "runner/exec/aligner.h"

namespace streamrun {
namespace {

Rows RowsOf(int64_t rows, Ordinal ordinal) {
  static const SchemaPtr schema = std::make_shared<const Schema>();
  return Rows{std::make_shared<const Batch>(schema, rows, std::vector<ColumnPtr>()), ordinal};
}

// What comes out, one word an event.
std::string Drain(Aligner& aligner) {
  std::string out;
  for (;;) {
    Result<std::optional<Aligner::Item>> item = aligner.Next();
    REQUIRE(item.ok());
    if (!*item) return out;
    if (!out.empty()) out += " ";
    const Event& event = (*item)->event;
    if (const auto* rows = std::get_if<Rows>(&event)) out += "r" + std::to_string(rows->batch->rows());
    if (const auto* w = std::get_if<Watermark>(&event)) out += "w" + std::to_string(w->time);
    if (std::holds_alternative<Idle>(event)) out += "idle";
    if (std::holds_alternative<Active>(event)) out += "active";
    if (const auto* b = std::get_if<Barrier>(&event)) out += "b" + std::to_string(b->epoch);
    if (const auto* e = std::get_if<EndOfStream>(&event)) out += e->complete ? "end" : "cut";
  }
}

TEST_CASE("the watermark is the least of the inputs and never goes back") {
  Aligner aligner(false);
  InEdge* a = aligner.AddEdge(0, -1, nullptr);
  InEdge* b = aligner.AddEdge(0, -1, nullptr);
  a->queue = {Watermark{10}};
  CHECK(Drain(aligner) == "");
  b->queue = {Watermark{5}};
  CHECK(Drain(aligner) == "w5");
  b->queue = {Watermark{3}, Watermark{20}};
  CHECK(Drain(aligner) == "w10");
}

TEST_CASE("an idle input does not hold back time, an active one does again") {
  Aligner aligner(false);
  InEdge* a = aligner.AddEdge(0, -1, nullptr);
  InEdge* b = aligner.AddEdge(0, -1, nullptr);
  a->queue = {Watermark{10}};
  b->queue = {Watermark{1}};
  CHECK(Drain(aligner) == "w1");
  b->queue = {Idle{}};
  CHECK(Drain(aligner) == "w10");
  a->queue = {Idle{}};
  CHECK(Drain(aligner) == "idle");
  b->queue = {Active{}, Watermark{11}};
  CHECK(Drain(aligner) == "active w11");
}

TEST_CASE("an input whose barrier came waits for the others") {
  Aligner aligner(false);
  InEdge* a = aligner.AddEdge(0, -1, nullptr);
  InEdge* b = aligner.AddEdge(0, -1, nullptr);
  a->queue = {RowsOf(1, kNoOrdinal), Barrier{7}, RowsOf(2, kNoOrdinal)};
  CHECK(Drain(aligner) == "r1");
  b->queue = {RowsOf(3, kNoOrdinal), Barrier{7}};
  CHECK(Drain(aligner) == "r3 b7 r2");
}

TEST_CASE("an input that ended still brings barriers") {
  Aligner aligner(false);
  InEdge* a = aligner.AddEdge(0, -1, nullptr);
  InEdge* b = aligner.AddEdge(0, -1, nullptr);
  b->queue = {EndOfStream{}};
  a->queue = {Barrier{1}, RowsOf(1, kNoOrdinal)};
  CHECK(Drain(aligner) == "");
  b->queue = {Barrier{1}};
  CHECK(Drain(aligner) == "b1 r1");
  a->queue = {EndOfStream{}, Barrier{2}};
  b->queue = {Barrier{2}};
  CHECK(Drain(aligner) == "end b2");
}

TEST_CASE("an epoch that was given up holds nobody, and its late barriers mean nothing") {
  Aligner aligner(false);
  InEdge* a = aligner.AddEdge(0, -1, nullptr);
  InEdge* b = aligner.AddEdge(0, -1, nullptr);
  a->queue = {Barrier{1}, RowsOf(1, kNoOrdinal), Barrier{2}};
  CHECK(Drain(aligner) == "");
  aligner.Abort(1);
  CHECK(Drain(aligner) == "r1");
  b->queue = {Barrier{1}, RowsOf(2, kNoOrdinal), Barrier{2}};
  CHECK(Drain(aligner) == "r2 b2");
}

TEST_CASE("a newer barrier tells that the older epoch was given up") {
  Aligner aligner(false);
  InEdge* a = aligner.AddEdge(0, -1, nullptr);
  InEdge* b = aligner.AddEdge(0, -1, nullptr);
  a->queue = {Barrier{1}, RowsOf(1, kNoOrdinal), Barrier{2}};
  CHECK(Drain(aligner) == "");
  b->queue = {Barrier{2}};
  CHECK(Drain(aligner) == "r1 b2");
}

TEST_CASE("the end is complete only when every input is") {
  Aligner aligner(false);
  InEdge* a = aligner.AddEdge(0, -1, nullptr);
  InEdge* b = aligner.AddEdge(0, -1, nullptr);
  a->queue = {EndOfStream{true}};
  b->queue = {EndOfStream{false}};
  CHECK(Drain(aligner) == "cut");
}

TEST_CASE("an ordered input gives batches by ordinal and waits for the one that may still come") {
  Aligner aligner(true);
  InEdge* a = aligner.AddEdge(0, -1, nullptr);
  InEdge* b = aligner.AddEdge(0, -1, nullptr);
  b->queue = {RowsOf(11, 1), RowsOf(12, 1), Watermark{kMinTimestamp, 3}};
  CHECK(Drain(aligner) == "");  // ordinal 0 may come on a
  a->queue = {RowsOf(10, 0), Watermark{kMinTimestamp, 2}};
  CHECK(Drain(aligner).starts_with("r10"));
  a->queue = {RowsOf(20, 2), EndOfStream{}};
  b->queue.push_back(RowsOf(30, 3));
  b->queue.push_back(EndOfStream{});
  const std::string rest = Drain(aligner);
  CHECK(rest.find("r20") < rest.find("r30"));
  CHECK(rest.ends_with("end"));
}

TEST_CASE("an empty chunk does not stop the merge") {
  Aligner aligner(true);
  InEdge* a = aligner.AddEdge(0, -1, nullptr);
  InEdge* b = aligner.AddEdge(0, -1, nullptr);
  b->queue = {RowsOf(11, 1)};
  a->queue = {Watermark{kMinTimestamp, 2}};  // chunk 0 had no row that passed
  CHECK(Drain(aligner).find("r11") != std::string::npos);
}

TEST_CASE("an ordered input goes on while others wait at their barrier") {
  Aligner aligner(true);
  InEdge* a = aligner.AddEdge(0, -1, nullptr);
  InEdge* b = aligner.AddEdge(0, -1, nullptr);
  // The barrier stands behind ordinal 3 on both: no row before it waits for one behind it.
  b->queue = {RowsOf(11, 1), RowsOf(13, 3), Barrier{1}};
  CHECK(Drain(aligner) == "");
  a->queue = {RowsOf(10, 0), RowsOf(12, 2), Watermark{kMinTimestamp, 4}, Barrier{1}};
  const std::string out = Drain(aligner);
  CHECK(out.find("r10") < out.find("r11"));
  CHECK(out.find("r12") < out.find("r13"));
  CHECK(out.ends_with("b1"));
}

TEST_CASE("when the last active input ends, the idle ones make the node idle") {
  Aligner aligner(false);
  InEdge* a = aligner.AddEdge(0, -1, nullptr);
  InEdge* b = aligner.AddEdge(0, -1, nullptr);
  a->queue = {Idle{}};
  CHECK(Drain(aligner) == "");
  b->queue = {EndOfStream{}};
  CHECK(Drain(aligner) == "idle");
  a->queue = {Active{}, EndOfStream{}};
  CHECK(Drain(aligner) == "active end");
}

TEST_CASE("rows without an ordinal do not stop a merge") {
  Aligner aligner(true);
  InEdge* a = aligner.AddEdge(0, -1, nullptr);
  aligner.AddEdge(0, -1, nullptr);
  a->queue = {RowsOf(5, kNoOrdinal)};
  CHECK(Drain(aligner) == "r5");
}

}  // namespace
}  // namespace streamrun
