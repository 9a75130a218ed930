#include "core/expr/functions/row_status.h"

namespace streamrun {

std::string_view SqlStateOf(std::string_view message, bool datetime) {
  const auto has = [&](std::string_view part) { return message.find(part) != std::string_view::npos; };
  // First what quotes the input: the text in it must not decide.
  if (message.starts_with("invalid input syntax")) return datetime ? "22007" : "22P02";
  if (message.starts_with("invalid hexadecimal")) return "22023";
  if (message.starts_with("time zone displacement")) return "22009";
  if (has("division by zero")) return "22012";
  if (has("interval field value")) return "22015";
  if (has("out of range") || has("overflow") || has("factorial")) return datetime ? "22008" : "22003";
  if (has("power") || has("square root")) return "2201F";
  if (has("logarithm")) return "2201E";
  if (has("invalid byte sequence")) return "22021";
  if (has("cannot convert NaN") || has("cannot convert infinity")) return "0A000";
  if (has("time zone")) return "22023";
  return datetime ? "22007" : "22P02";
}

}  // namespace streamrun
