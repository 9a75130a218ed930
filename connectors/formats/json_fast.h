// The fast reader of the json format: follows the keys in the order in which they came before.
//
// Behind every key the reader remembers which bytes came next (`,"price":` with its blanks) and what they led
// to. A record like its predecessors is then a chain of one vector comparison per key and one scan per value,
// straight into the columns. Each key remembers two followers, so optional and reordered fields cost a
// comparison, not a relearning. Everything is validated, skipped values too; whatever is unusual (a repeated
// key, an escaped key, a value of the wrong type, broken syntax) is left to the careful reader, which
// decides.
#pragma once

#include <emmintrin.h>

#include <memory>

#include "connectors/formats/batch_writer.h"
#include "connectors/formats/json_plan.h"

namespace streamrun::json {

class FastReader {
 public:
  /// Both outlive the reader.
  FastReader(const Plan& plan, BatchWriter& rows);
  ~FastReader();

  /// Reads the record at `line` into the current row: the start of the next line; or nullptr, and then the
  /// row must be forgotten and the record is the careful reader's. A newline ends the record and 64 readable
  /// bytes follow it.
  const char* Read(const char* line);

 private:
  struct Follower;
  struct Entry;
  struct Scope;
  struct Step;

  const char* Walk(Scope& scope, const char* p, int depth);
  Step Next(Scope& scope, Entry& from, const char* p);
  Step Discover(Scope& scope, Entry& from, const char* p);
  Entry* FindOrLearn(Scope& scope, std::string_view name);
  void Describe(Entry& entry, const Key& key, bool exact);
  const char* PutValue(Entry& entry, const char* p, int depth, __m128i* looked);
  const char* ScanOther(const char* p, int depth);
  const char* PutOther(Entry& entry, const char* p, int depth);
  const char* PutToken(Entry& entry, const char* p, int depth);
  const char* PutObject(Entry& entry, const char* p, int depth);
  const char* PutTimestamp(Entry& entry, const char* p, __m128i* looked);
  bool FillMissing();
  bool ClaimColumn(int column);

  const Plan& plan_;
  BatchWriter& rows_;
  std::unique_ptr<Scope> root_;
  std::vector<uint32_t> seen_;  // per column: serial of the record that last put it
  uint32_t serial_ = 0;
  int wanted_ = 0;
  int found_ = 0;
  int64_t row_ = 0;
  /// All strings of the record or'ed together: a high bit says that there is more than ASCII to check as
  /// UTF-8.
  __m128i looked_;
};

}  // namespace streamrun::json
