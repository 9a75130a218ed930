#include "core/data/schema.h"

#include <strings.h>

namespace streamrun {

int Schema::Find(std::string_view name) const {
  int folded = -1;
  bool ambiguous = false;
  for (size_t i = 0; i < fields_.size(); ++i) {
    const std::string& candidate = fields_[i].name;
    if (candidate == name) return static_cast<int>(i);
    if (candidate.size() == name.size() && strncasecmp(candidate.data(), name.data(), name.size()) == 0) {
      ambiguous = folded >= 0;
      folded = static_cast<int>(i);
    }
  }
  return ambiguous ? -2 : folded;
}

std::string Schema::ToString() const {
  std::string out;
  for (const Field& f : fields_) {
    if (!out.empty()) out += ", ";
    out += f.name + " " + f.type.ToString();
  }
  return out;
}

}  // namespace streamrun
