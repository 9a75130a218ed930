#include "runner/config/yaml_reader.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <map>
#include <sstream>
#include <unordered_map>

#include "runner/config/flow_sql.h"
#include "runner/config/scalar_place.h"
#include "runner/config/yaml_problem.h"

namespace streamrun {

namespace {

constexpr std::string_view kCorePrefix = "tag:yaml.org,2002:";

// Thrown through yaml-cpp after a limit was reported; never leaves this file.
struct Stop {};

// yaml-cpp counts on beyond the end of the file.
size_t ByteOf(const YAML::Mark& mark, const SourceText& source) {
  return std::min(static_cast<size_t>(std::max(mark.pos, 0)), source.text().size());
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const SourceText& source, Diagnostics& diagnostics)
      : source_(source), diagnostics_(diagnostics) {}

  ConfigValue& root() { return root_; }
  size_t last_end() const { return last_end_; }
  size_t open_flow() const {
    for (size_t i = frames_.size(); i-- > 0;) {
      if (frames_[i].flow) return frames_[i].at;
    }
    return std::string::npos;
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ == 0) return;
    Fail(At(mark), "yaml.documents", "a pipeline file holds one document, this is a second one",
         "remove the '---' or put the second pipeline into a file of its own");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Count(At(mark));
    Insert(NullAt(At(mark)), anchor, 0, 1);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const size_t at = At(mark);
    Count(at);
    if (value.size() > kMaxScalarBytes) {
      Fail(at, "yaml.limit",
           "a single value may have at most 64 KiB, this one has " + std::to_string(value.size()) + " bytes");
    }
    const bool core = CheckTag(tag, at);
    if (core && tag == std::string(kCorePrefix) + "null") {
      return Insert(ConfigValue::Null(source_.Mark(at)), anchor, 0, 1);
    }
    // Plain text of several paragraphs is text, whatever else: it could not be written without quotes on one
    // line.
    const bool quoted = tag == "!" || tag == std::string(kCorePrefix) + "str" || !ReadsBackPlain(value);
    Insert(Scalar(at, value, quoted), anchor, 0, 1);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const size_t at = At(mark);
    Count(at);
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      Fail(at, "yaml.alias", "this alias stands inside the value that it names",
           "a value cannot contain itself");
    }
    const Anchored& target = found->second;
    expanded_ += target.nodes;
    if (expanded_ > kMaxAliasNodes) {
      Fail(at, "yaml.limit", "aliases may stand for at most 10000 values in total, this one goes beyond");
    }
    if (static_cast<int>(frames_.size()) + target.height > kMaxDepth) TooDeep(at);
    Insert(target.value, 0, target.height, target.nodes);
    last_end_ = at;
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    Open(mark, tag, anchor, style, false);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    Open(mark, tag, anchor, style, true);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapEnd() override { Close(); }

 private:
  struct Frame {
    bool map;
    bool flow;
    size_t at;
    YAML::anchor_t anchor;
    int height = 1;
    int nodes = 1;
    std::vector<ConfigValue> items;
    std::vector<ConfigValue::Entry> entries;
    std::optional<ConfigValue> key;
  };
  struct Anchored {
    ConfigValue value;
    int height;  // levels of lists and mappings
    int nodes;   // with aliases expanded
  };

  size_t At(const YAML::Mark& mark) const { return ByteOf(mark, source_); }

  [[noreturn]] void Fail(size_t at, std::string code, std::string message, std::string suggestion = "") {
    diagnostics_.Error(source_.Mark(at), std::move(code), std::move(message), std::move(suggestion));
    throw Stop();
  }
  [[noreturn]] void TooDeep(size_t at) {
    Fail(at, "yaml.limit", "lists and mappings may be nested at most 64 deep");
  }

  void Count(size_t at) {
    if (++nodes_ > kMaxNodes) Fail(at, "yaml.limit", "a pipeline file may have at most 100000 values");
  }

  // False after reporting a tag that is not of the core schema.
  bool CheckTag(const std::string& tag, size_t at) {
    if (tag.empty() || tag == "?" || tag == "!") return true;
    constexpr std::array<std::string_view, 7> kCore = {"str", "int", "float", "bool", "null", "map", "seq"};
    if (tag.starts_with(kCorePrefix)) {
      const std::string_view name = std::string_view(tag).substr(kCorePrefix.size());
      if (std::find(kCore.begin(), kCore.end(), name) != kCore.end()) return true;
    }
    diagnostics_.Error(source_.Mark(at), "yaml.tag", "the YAML tag '" + tag + "' is not supported",
                       "remove it; put a text that begins with '!' in quotes");
    return false;
  }

  // yaml-cpp marks a value that is not there at whatever follows: such a null belongs to its key.
  ConfigValue NullAt(size_t at) {
    const std::string_view rest = source_.text().substr(std::min(at, source_.text().size()));
    for (const std::string_view word : {"~", "null", "Null", "NULL"}) {
      if (!rest.starts_with(word)) continue;
      const size_t next = rest.find_first_not_of(" \t", word.size());
      const bool is_key = next != std::string_view::npos && rest[next] == ':';
      const bool wants_key = !frames_.empty() && frames_.back().map && !frames_.back().key;
      if (wants_key) return Scalar(at, std::string(word), true);
      if (is_key && !frames_.empty() && !frames_.back().flow) break;
      last_end_ = at + word.size();
      return ConfigValue::Null(source_.Mark(at));
    }
    if (!frames_.empty() && frames_.back().key) return ConfigValue::Null(frames_.back().key->mark());
    if (rest.starts_with(':')) return ConfigValue::Null(source_.Mark(at));
    return ConfigValue::Null(source_.Mark(frames_.empty() ? at : std::max(last_end_, frames_.back().at)));
  }

  ConfigValue Scalar(size_t at, const std::string& text, bool quoted) {
    const ScalarPlace place = PlaceScalar(source_.text(), at, text);
    if (place.unclosed) {
      Fail(place.begin, "yaml.syntax", "this quote is never closed",
           open_flow() == std::string::npos
               ? "add the closing quote; inside single quotes write '' for one quote"
               : "inside { } and [ ] put a whole value that contains quotes in quotes");
    }
    const SourceMark mark = source_.Mark(place.begin);
    std::vector<ConfigValue::Segment> segments;
    segments.reserve(place.runs.size());
    for (const ScalarPlace::Run& run : place.runs) {
      const SourceMark m = source_.Mark(run.at);
      segments.push_back({run.offset, m.line, m.column, run.exact});
    }
    last_end_ = place.begin + 1;
    ConfigValue value = ConfigValue::Scalar(text, quoted, mark);
    if (place.end > 0) {
      last_end_ = place.end;
      const SourceMark end = source_.Mark(place.end);
      if (end.line == mark.line) value.set_extent(end.column - mark.column);
    }
    value.set_segments(std::move(segments));
    if (ValidUtf8Prefix(text) < text.size()) {
      // yaml-cpp 0.7 gives one byte for \N and \_ where UTF-8 has two.
      diagnostics_.ErrorAt(value, "yaml.utf8", "an escape in this text gives no UTF-8",
                           "write \\u0085 for \\N and \\u00a0 for \\_");
      value.set_broken();
    }
    return value;
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YAML::EmitterStyle::value style, bool map) {
    const size_t at = At(mark);
    Count(at);
    CheckTag(tag, at);
    if (static_cast<int>(frames_.size()) >= kMaxDepth) TooDeep(at);
    frames_.push_back({map, style == YAML::EmitterStyle::Flow, at, anchor, 1, 1, {}, {}, {}});
  }

  void Close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    const SourceMark mark = source_.Mark(frame.at);
    if (frame.map) RejectDuplicates(&frame.entries);
    ConfigValue value = frame.map ? ConfigValue::Map(std::move(frame.entries), mark)
                                  : ConfigValue::List(std::move(frame.items), mark);
    if (frame.flow && FindSplitSql(value, diagnostics_)) {
      value.set_broken();
      for (ConfigValue& item : value.mutable_items()) item.set_broken();
      for (auto& [key, v] : value.mutable_entries()) {
        key.set_broken();
        v.set_broken();
      }
    }
    Insert(std::move(value), frame.anchor, frame.height, frame.nodes);
  }

  void Insert(ConfigValue value, YAML::anchor_t anchor, int height, int nodes) {
    if (anchor != 0) anchors_[anchor] = {value, height, nodes};
    if (frames_.empty()) {
      root_ = std::move(value);
      return;
    }
    Frame& top = frames_.back();
    top.height = std::max(top.height, height + 1);
    top.nodes += nodes;
    if (!top.map) {
      top.items.push_back(std::move(value));
    } else if (!top.key) {
      top.key = CheckedKey(std::move(value));
    } else {
      if (top.key->broken()) value.set_broken();
      top.entries.emplace_back(std::move(*top.key), std::move(value));
      top.key.reset();
    }
  }

  ConfigValue CheckedKey(ConfigValue key) {
    if (key.is_scalar() && key.text() == "<<" && !key.quoted()) {
      diagnostics_.ErrorAt(key, "yaml.merge_key", "merge keys ('<<') are not supported",
                           "write the keys out");
      key.set_broken();
    } else if (key.is_scalar() && key.text().find("${") != std::string::npos) {
      diagnostics_.ErrorAt(key, "yaml.variable_in_key", "variables are replaced in values only, not in keys",
                           "write the key out");
      key.set_broken();
    } else if (!key.is_scalar()) {
      diagnostics_.Error(key.mark(), "yaml.key",
                         key.is_null() ? "the name before ':' is missing"
                                       : "a key is one piece of text, not " + std::string(key.KindName()));
      key = ConfigValue::Scalar("", true, key.mark());
      key.set_broken();
    }
    return key;
  }

  void RejectDuplicates(std::vector<ConfigValue::Entry>* entries) {
    std::unordered_map<std::string_view, int> first_line;
    for (auto& [key, value] : *entries) {
      if (key.broken()) continue;
      const auto [found, added] = first_line.emplace(key.text(), key.mark().line);
      if (added) continue;
      diagnostics_.ErrorAt(key, "yaml.duplicate_key",
                           "the key '" + key.text() + "' stands twice in this mapping, first in line " +
                               std::to_string(found->second),
                           "remove or rename one of them");
      key.set_broken();
      value.set_broken();
    }
  }

  const SourceText& source_;
  Diagnostics& diagnostics_;
  ConfigValue root_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  int documents_ = 0;
  int nodes_ = 0;
  int expanded_ = 0;
  size_t last_end_ = 0;
};

// Bytes that no YAML file may contain, checked before the parser sees them.
bool CheckBytes(const SourceText& source, Diagnostics& diagnostics) {
  const std::string_view text = source.text();
  if (text.size() > kMaxFileBytes) {
    diagnostics.Error({source.file()}, "yaml.limit", "a pipeline file may have at most 1 MiB");
    return false;
  }
  if (const size_t valid = ValidUtf8Prefix(text); valid < text.size()) {
    diagnostics.Error(source.Mark(valid), "yaml.utf8",
                      "the file is not valid UTF-8 at byte " + std::to_string(valid + 1), "save it as UTF-8");
    return false;
  }
  if (const size_t bom = text.find(kByteOrderMark); bom != std::string_view::npos) {
    diagnostics.Error(source.Mark(bom), "yaml.control_character",
                      "a byte order mark (U+FEFF) stands in the text",
                      "remove it, or write it as \\uFEFF in double quotes");
    return false;
  }
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool line_end = c == '\n' || (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n');
    if ((c >= 0x20 && c != 0x7f) || c == '\t' || line_end) continue;
    constexpr std::string_view kHex = "0123456789abcdef";
    diagnostics.Error(
        source.Mark(i), "yaml.control_character",
        std::string("a control character (0x") + kHex[c >> 4] + kHex[c & 15] + ") stands in the text",
        "remove it, or write it as an escape in double quotes");
    return false;
  }
  return true;
}

}  // namespace

std::optional<ConfigValue> ReadYaml(const SourceText& source, Diagnostics& diagnostics) {
  if (!CheckBytes(source, diagnostics)) return std::nullopt;
  TreeBuilder builder(source, diagnostics);
  try {
    std::istringstream in{std::string(source.text())};
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop&) {
    return std::nullopt;
  } catch (const YAML::Exception& e) {
    const size_t at = e.mark.is_null() ? builder.last_end() : ByteOf(e.mark, source);
    ReportYamlProblem({e.msg, at, builder.last_end(), builder.open_flow()}, source, diagnostics);
    return std::nullopt;
  } catch (const std::exception& e) {
    diagnostics.Error(source.Mark(builder.last_end()), "yaml.syntax",
                      std::string("the YAML parser gave up after this: ") + e.what());
    return std::nullopt;
  }
  ConfigValue& root = builder.root();
  if (!root.present() || root.is_null()) {
    diagnostics.Error({source.file(), 1, 1}, "yaml.empty", "the file is empty",
                      "a pipeline needs at least 'sources' and 'sinks'");
    return std::nullopt;
  }
  if (!root.is_map()) {
    diagnostics.ErrorAt(root, "yaml.root",
                        "a pipeline file is a mapping of sections, not " + std::string(root.KindName()),
                        "begin with 'pipeline: NAME'; a blank is needed after each ':'");
    return std::nullopt;
  }
  return std::move(root);
}

bool ReadsBackPlain(std::string_view text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return false;
  if (text.front() == ' ' || text.back() == ' ' || text.back() == ':') return false;
  if (text == "-" || text == "?" || text == "..." || text.starts_with("---")) return false;
  constexpr std::string_view kIndicators = ",[]{}#&*!|>'\"%@`:";
  if (kIndicators.find(text.front()) != std::string_view::npos) return false;
  if (text.starts_with("- ") || text.starts_with("? ")) return false;
  if (text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos) return false;
  return ReadsBackAsWritten(text);
}

bool ReadsBackAsWritten(std::string_view text) {
  if (text.find(kByteOrderMark) != std::string_view::npos) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

}  // namespace streamrun
