// Reading parts of JSON text in place. The text is a valid JSON document (jsonb columns hold nothing else),
// so skipping a value needs no checks; text that is not valid gives some answer, never a bad read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace streamrun {

/// One walk over the members of an object or the elements of an array.
class JsonCursor {
 public:
  /// `json` is an object or an array; anything else has no members.
  explicit JsonCursor(std::string_view json);
  /// Moves to the next member; false at the end.
  bool Next();
  /// Of an object: the key between its quotes, escapes as written.
  std::string_view key() const { return key_; }
  /// Does the key have an escape?
  bool key_escaped() const { return key_escaped_; }
  std::string_view value() const { return value_; }

 private:
  void SkipBlank();

  const char* at_;
  const char* end_;
  bool object_ = false;
  bool key_escaped_ = false;
  std::string_view key_;
  std::string_view value_;
};

/// Without blanks around it.
std::string_view TrimJson(std::string_view json);
/// The last member of that name (jsonb keeps the last of equal keys), empty when absent.
std::string_view JsonMember(std::string_view object, std::string_view key);
/// The element, counted from 0, from the end when negative; empty when absent.
std::string_view JsonElement(std::string_view array, int64_t index);
int64_t JsonLength(std::string_view array);
/// Levels of arrays and objects: 0 for a scalar.
int JsonDepth(std::string_view json);
/// The value one step down a path: a member of an object, or an element of an array when `name` is an
/// integer; empty when absent.
std::string_view JsonStep(std::string_view json, std::string_view name);
/// Reads an index as PostgreSQL reads path elements (strtol: blanks and a sign in front); false when it is
/// not one integer.
bool ReadIndex(std::string_view text, int32_t* index);
/// "object", "array", "string", "number", "boolean", "null".
std::string_view JsonTypeOf(std::string_view json);

/// Appends what a JSON string means; `body` stands between the quotes.
void AppendUnescaped(std::string_view body, std::string& out);
/// Appends `text` as a JSON string with its quotes.
void AppendQuoted(std::string_view text, std::string& out);
/// Is the key spelled with escapes equal to `name`?
bool KeyEquals(std::string_view body, std::string_view name);
/// What the string `json` (with its quotes) means: in place when it has no escape, else in `scratch`.
std::string_view StringMeaning(std::string_view json, std::string& scratch);

}  // namespace streamrun
