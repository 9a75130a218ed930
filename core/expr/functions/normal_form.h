// Unicode normal forms (Unicode Standard Annex 15).
#pragma once

#include <string>
#include <string_view>

namespace streamrun {

struct NormalForm {
  bool compatible = false;  // NFKC, NFKD
  bool composed = false;    // NFC, NFKC
};

/// Replaces `out` by the text in that form.
void Normalize(std::string_view text, NormalForm form, std::string* out);

}  // namespace streamrun
