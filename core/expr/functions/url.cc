// URLs: their parts and percent encoding; PostgreSQL has nothing for them.
#include "core/data/text_io.h"
#include "core/data/text_scan.h"
#include "core/expr/function.h"
#include "core/expr/functions/url_text.h"
#include "core/expr/json_scan.h"
#include "core/expr/kernel.h"

namespace streamrun {

namespace {

// False after failing the row.
bool Split(Row& row, std::string_view url, UrlParts* parts) {
  std::string_view problem;
  if (SplitUrl(url, parts, &problem)) return true;
  row.Fail("22P02", "invalid URL: \"" + std::string(url) + "\": " + std::string(problem));
  return false;
}

// Appends the members of a jsonb object in its canonical order: shorter keys first, then by their bytes.
class Members {
 public:
  explicit Members(std::string& json) : json_(json) {}
  void Key(std::string_view key) {
    json_.append(json_.size() > 1 ? ", \"" : "\"").append(key).append("\": ");
  }
  void Add(std::string_view key, std::optional<std::string_view> value) {
    if (!value) return;
    Key(key);
    AppendQuoted(*value, json_);
  }
  void AddDecoded(std::string_view key, std::optional<std::string_view> value) {
    if (!value) return;
    decoded_.clear();
    PercentDecode(*value, false, decoded_);
    Add(key, decoded_);
  }
  // Schemes and hosts are the same in any case (RFC 3986, section 6.2.2.1).
  void AddLowered(std::string_view key, std::optional<std::string_view> value) {
    if (!value) return;
    decoded_ = *value;
    for (char& c : decoded_) c = text_scan::ToLower(c);
    Add(key, decoded_);
  }

 private:
  std::string& json_;
  std::string decoded_;
};

ColumnPtr UrlParse(KernelCall& call) {
  const Reader<std::string_view> urls(call.arg(0));
  std::string json;
  Members members(json);
  return WriteText(call, [&](Row& row, TextSink& out) {
    UrlParts parts;
    if (!Split(row, urls[row.number()], &parts)) return;
    json = "{";
    members.AddLowered("host", parts.host);
    members.Add("path", parts.path);
    if (parts.port) {
      members.Key("port");
      PrintBigint(*parts.port, json);
    }
    members.AddDecoded("user", parts.user);
    members.Add("query", parts.query);
    members.AddLowered("scheme", parts.scheme);
    members.Add("fragment", parts.fragment);
    members.AddDecoded("password", parts.password);
    json += '}';
    if (row.Room(out, json.size())) out.Append(json);
  });
}

void UrlHost(Row& row, TextSink& out, std::string_view url) {
  UrlParts parts;
  if (!Split(row, url, &parts)) return;
  if (!parts.host) return row.Null();
  char* at = out.Extend(parts.host->size());
  for (const char c : *parts.host) *at++ = text_scan::ToLower(c);
}

void UrlPath(Row& row, TextSink& out, std::string_view url) {
  UrlParts parts;
  if (Split(row, url, &parts)) out.Append(parts.path);
}

ColumnPtr UrlParam(KernelCall& call) {
  const Reader<std::string_view> urls(call.arg(0));
  const Reader<std::string_view> names(call.arg(1));
  std::string decoded;
  return WriteText(call, [&](Row& row, TextSink& out) {
    std::string_view url = urls[row.number()];
    url = url.substr(0, url.find('#'));
    const size_t mark = url.find('?');
    if (mark == std::string_view::npos) return row.Null();
    const auto value = FindParameter(url.substr(mark + 1), names[row.number()]);
    if (!value) return row.Null();
    decoded.clear();
    PercentDecode(*value, true, decoded);
    if (row.Room(out, decoded.size())) out.Append(decoded);
  });
}

template <bool kEncode>
ColumnPtr Recode(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  std::string recoded;
  return WriteText(call, [&](Row& row, TextSink& out) {
    const std::string_view text = texts[row.number()];
    if (!row.Room(out, text.size() * 3)) return;
    recoded.clear();
    if (kEncode) {
      PercentEncode(text, recoded);
    } else {
      PercentDecode(text, false, recoded);
    }
    out.Append(recoded);
  });
}

}  // namespace

void AddUrl(FunctionTable& t) {
  using enum Arg;
  t.push_back(
      {"url_parse",
       {kText},
       kJsonb,
       UrlParse,
       "the parts of a URL that are there: scheme, user, password, host, port, path, query, fragment",
       "url_parse('https://example.org:8080/a?b=1#c') -> {\"host\": \"example.org\", \"path\": \"/a\", "
       "\"port\": 8080, \"query\": \"b=1\", \"scheme\": \"https\", \"fragment\": \"c\"}",
       kAddition});
  t.push_back({"url_host",
               {kText},
               kText,
               Rows<UrlHost>,
               "the host of a URL in lower case, null when it has none",
               "url_host('https://Example.org:8080/a') -> example.org",
               kAddition});
  t.push_back({"url_path",
               {kText},
               kText,
               Rows<UrlPath>,
               "the path of a URL as it is written, empty when it has none",
               "url_path('https://example.org/a/b?c=1') -> /a/b",
               kAddition});
  t.push_back({"url_param",
               {kText, kText},
               kText,
               UrlParam,
               "the decoded value of the first query parameter of that name, null when there is none",
               "url_param('https://example.org/?q=a+b%26c&n=1', 'q') -> a b&c",
               kAddition});
  t.push_back({"url_encode",
               {kText},
               kText,
               Recode<true>,
               "the text with %XX for all bytes but letters, digits and -._~",
               "url_encode('a b&ä') -> a%20b%26%C3%A4",
               kAddition});
  t.push_back({"url_decode",
               {kText},
               kText,
               Recode<false>,
               "the text with %XX decoded; + stays, and what is not UTF-8 becomes U+FFFD",
               "url_decode('a%20b%26%C3%A4+') -> a b&ä+",
               kAddition});
}

}  // namespace streamrun
