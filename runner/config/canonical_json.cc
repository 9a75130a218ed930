// The tree as one line of JSON. Maps are objects in file order, lists arrays, null null; a scalar is a string
// whose first characters tell its kind: "=text" plain, "'text" quoted, with a "*" before it when secret. Keys
// are as they are.
#include <nlohmann/json.hpp>

#include "runner/config/pipeline_file.h"
#include "runner/config/yaml_reader.h"

namespace streamrun {

namespace {

void PrintString(std::string_view text, std::string* out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out->push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      *out += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7f) {
      *out += {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out->push_back(c);
    }
  }
  out->push_back('"');
}

void Print(const ConfigValue& value, bool reveal, std::string* out) {
  if (value.is_map()) {
    out->push_back('{');
    for (const auto& [key, v] : value.entries()) {
      if (out->back() != '{') out->push_back(',');
      PrintString(key.text(), out);
      out->push_back(':');
      Print(v, reveal, out);
    }
    out->push_back('}');
  } else if (value.is_list()) {
    out->push_back('[');
    for (const ConfigValue& item : value.items()) {
      if (out->back() != '[') out->push_back(',');
      Print(item, reveal, out);
    }
    out->push_back(']');
  } else if (value.is_scalar()) {
    const std::string kind = std::string(value.secret() ? "*" : "") + (value.quoted() ? '\'' : '=');
    PrintString(kind + (value.secret() && !reveal ? "***" : value.text()), out);
  } else {
    *out += "null";
  }
}

// Builds the tree from SAX events: no second copy of the document, and object members keep their order.
class TreeReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  ConfigValue& root() { return root_; }
  const std::string& problem() const { return problem_; }

  bool null() override { return Insert(ConfigValue::Null({})); }
  bool boolean(bool) override { return Fail("a boolean stands where a value should be"); }
  bool number_integer(number_integer_t) override { return Fail("a number stands where a value should be"); }
  bool number_unsigned(number_unsigned_t) override { return Fail("a number stands where a value should be"); }
  bool number_float(number_float_t, const string_t&) override {
    return Fail("a number stands where a value should be");
  }
  bool binary(binary_t&) override { return Fail("binary data stands where a value should be"); }
  bool string(string_t& text) override {
    const size_t kind = text.starts_with('*') ? 1 : 0;
    if (text.size() <= kind || (text[kind] != '=' && text[kind] != '\''))
      return Fail("a value has no kind mark");
    ConfigValue value = ConfigValue::Scalar(text.substr(kind + 1), text[kind] == '\'', {});
    if (kind == 1) value.set_secret();
    return Insert(std::move(value));
  }
  bool start_object(size_t) override { return Open(true); }
  bool start_array(size_t) override { return Open(false); }
  bool key(string_t& text) override {
    frames_.back().key = ConfigValue::Scalar(text, false, {});
    return true;
  }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool parse_error(size_t at, const std::string&, const nlohmann::detail::exception&) override {
    return Fail("it is not JSON at byte " + std::to_string(at));
  }

 private:
  struct Frame {
    bool map;
    ConfigValue key;
    std::vector<ConfigValue> items;
    std::vector<ConfigValue::Entry> entries;
  };

  bool Fail(std::string what) {
    problem_ = std::move(what);
    return false;
  }
  bool Open(bool map) {
    if (frames_.size() >= static_cast<size_t>(kMaxDepth)) return Fail("it is nested too deep");
    frames_.push_back({map, {}, {}, {}});
    return true;
  }
  bool Close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    return Insert(frame.map ? ConfigValue::Map(std::move(frame.entries), {})
                            : ConfigValue::List(std::move(frame.items), {}));
  }
  bool Insert(ConfigValue value) {
    if (frames_.empty()) {
      root_ = std::move(value);
    } else if (frames_.back().map) {
      frames_.back().entries.emplace_back(std::move(frames_.back().key), std::move(value));
    } else {
      frames_.back().items.push_back(std::move(value));
    }
    return true;
  }

  ConfigValue root_;
  std::vector<Frame> frames_;
  std::string problem_;
};

}  // namespace

std::string PrintCanonicalJson(const ConfigValue& root, bool reveal_secrets) {
  std::string out;
  Print(root, reveal_secrets, &out);
  return out;
}

Result<ConfigValue> ParseCanonicalJson(std::string_view json) {
  TreeReader reader;
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &reader)) {
    return Status::Corruption("the canonical pipeline cannot be read: " + reader.problem());
  }
  return std::move(reader.root());
}

}  // namespace streamrun
