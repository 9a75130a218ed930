// URLs as text: their parts (RFC 3986, appendix B) and percent encoding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace streamrun {

/// Parts as they stand in the text, still percent-encoded; nothing where the URL has no such part.
struct UrlParts {
  std::optional<std::string_view> scheme;
  std::optional<std::string_view> user;
  std::optional<std::string_view> password;
  std::optional<std::string_view> host;  // an IPv6 address without its brackets
  std::optional<int> port;
  std::string_view path;  // may be empty
  std::optional<std::string_view> query;
  std::optional<std::string_view> fragment;
};

/// False, with a sentence in `*problem`, when the host or port cannot be told.
bool SplitUrl(std::string_view url, UrlParts* parts, std::string_view* problem);

/// Value of the first parameter of that name in a query, still encoded; empty for a bare name.
std::optional<std::string_view> FindParameter(std::string_view query, std::string_view name);

/// Appends the text with %XX for all but letters, digits and -._~ (RFC 3986, section 2.3).
void PercentEncode(std::string_view text, std::string& out);

/// Appends the text with %XX decoded and, for parameters, + as a blank. A % without two digits stays; bytes
/// that are not UTF-8, and zero bytes, become U+FFFD, as the WHATWG URL standard decodes.
void PercentDecode(std::string_view text, bool plus_is_blank, std::string& out);

}  // namespace streamrun
