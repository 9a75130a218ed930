// The careful reader of the json format: one record at a time through simdjson's on-demand parser. It decides
// what is well-formed and says what is wrong; the fast reader only takes records that this one would take.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "connectors/formats/batch_writer.h"
#include "connectors/formats/json_plan.h"

namespace streamrun::json {

/// Why a record is not a row.
struct RecordProblem {
  std::string code;
  std::string message;
};

class CarefulReader {
 public:
  /// Both outlive the reader.
  CarefulReader(const Plan& plan, BatchWriter& rows);
  ~CarefulReader();

  /// Puts all wanted columns of the current row. False: the caller forgets the row; `problem` says why. At
  /// least Buffer::kPadding bytes behind `record` must be readable. The record may hold newlines as white
  /// space.
  bool Read(std::string_view record, RecordProblem* problem);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Is every byte sequence in `text` UTF-8?
bool IsUtf8(std::string_view text);

}  // namespace streamrun::json
