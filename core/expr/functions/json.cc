// jsonb: taking parts out (manual 9.16.1: -> ->> #> #>> and their functions).
#include "core/data/json_text.h"
#include "core/expr/function.h"
#include "core/expr/functions/lists.h"
#include "core/expr/json_scan.h"

namespace streamrun {

namespace {

// Is the number's text what PostgreSQL prints? Exponents are written out, -0 loses its sign.
bool PrintsAsWritten(std::string_view number) {
  if (number.starts_with("-0")) return false;
  for (const char c : number) {
    if (c == 'e' || c == 'E') return false;
  }
  return true;
}

// ->> gives the meaning of a string, null for null, else the text as jsonb prints it.
void GiveText(Row& row, TextSink& out, std::string_view json) {
  switch (json.empty() ? 'n' : json[0]) {
    case 'n':
      return row.Null();
    case '"': {
      thread_local std::string scratch;
      return out.Append(StringMeaning(json, scratch));
    }
    case 't':
    case 'f':
      return out.Append(json);
    case '{':
    case '[':
      break;
    default:
      if (PrintsAsWritten(json)) return out.Append(json);
  }
  thread_local std::string text;
  text.clear();
  AppendCanonicalJson(json, JsonForm::kPrinted, text);
  if (row.Room(out, text.size())) out.Append(text);
}

template <bool kText>
void Emit(Row& row, TextSink& out, std::string_view json) {
  if constexpr (kText) return GiveText(row, out, json);
  json.empty() ? row.Null() : out.Append(json);
}

template <bool kText>
void Member(Row& row, TextSink& out, std::string_view json, std::string_view key) {
  Emit<kText>(row, out, JsonMember(json, key));
}
// The element; a scalar is stored as an array of itself, and -> sees that as PostgreSQL does.
std::string_view ElementOf(std::string_view json, int32_t index) {
  json = TrimJson(json);
  const bool container = json.empty() || json[0] == '[' || json[0] == '{';
  if (container) return JsonElement(json, index);
  return index == 0 || index == -1 ? json : std::string_view();
}

template <bool kText>
void Element(Row& row, TextSink& out, std::string_view json, int32_t index) {
  Emit<kText>(row, out, ElementOf(json, index));
}

template <bool kText>
void Path(Row& row, TextSink& out, std::string_view json, ListView path) {
  json = TrimJson(json);
  for (int32_t i = path.begin; i < path.end && !json.empty(); ++i) {
    json = path.child->IsNull(i) ? std::string_view() : JsonStep(json, path.child->Text(i));
  }
  Emit<kText>(row, out, json);
}

// A null key makes null too, but PostgreSQL has it in an array: the other arguments are evaluated all the
// same.
template <bool kText>
ColumnPtr PathOf(KernelCall& call) {
  std::vector<Reader<std::string_view>> args;
  for (size_t i = 0; i < call.arg_count(); ++i) args.emplace_back(call.arg(i));
  return WriteText(call, [&](Row& row, TextSink& out) {
    const int64_t r = row.number();
    for (size_t i = 0; i < args.size(); ++i) {
      if (call.arg(i).IsNull(r)) return row.Null();
    }
    std::string_view json = TrimJson(args[0][r]);
    for (size_t i = 1; i < args.size() && !json.empty(); ++i) json = JsonStep(json, args[i][r]);
    Emit<kText>(row, out, json);
  });
}

// A chain of -> with constant keys and indexes, walked in one go.
struct ChainStep {
  bool is_index;
  int32_t index;
  std::string key;
};
using JsonChain = std::vector<ChainStep>;

Result<std::shared_ptr<const void>> PrepareChain(std::span<const ColumnPtr> constants) {
  auto chain = std::make_shared<JsonChain>();
  for (const ColumnPtr& step : constants.subspan(1)) {
    if (!step || step->IsNull(0)) return Status::Internal("a chain of -> needs constants");
    const bool is_index = step->type().id() == TypeId::kInteger;
    chain->push_back({is_index, is_index ? step->values<int32_t>()[0] : 0,
                      is_index ? std::string() : std::string(step->Text(0))});
  }
  return std::shared_ptr<const void>(std::move(chain));
}

template <bool kText>
ColumnPtr Chain(KernelCall& call) {
  const JsonChain& chain = *call.prepared<JsonChain>();
  const Reader<std::string_view> texts(call.arg(0));
  return WriteText(call, [&](Row& row, TextSink& out) {
    std::string_view json = texts[row.number()];
    for (const ChainStep& step : chain) {
      json = step.is_index ? ElementOf(json, step.index) : JsonMember(json, step.key);
      if (json.empty()) return row.Null();
    }
    Emit<kText>(row, out, json);
  });
}

}  // namespace

void AddJson(FunctionTable& t) {
  using enum Arg;
  t.push_back({"->",
               {kJsonb, kText},
               kJsonb,
               Rows<Member<false>>,
               "a field of an object",
               "'{\"a\": {\"b\": 1}}'::jsonb -> 'a' -> {\"b\": 1}",
               kTotal});
  t.push_back({"->",
               {kJsonb, kInteger},
               kJsonb,
               Rows<Element<false>>,
               "an element of an array, counted from 0, from the end when negative",
               "'[1, 2]'::jsonb -> 1 -> 2",
               kTotal});
  t.push_back({"->>",
               {kJsonb, kText},
               kText,
               Rows<Member<true>>,
               "a field of an object as text",
               "'{\"a\": \"x\"}'::jsonb ->> 'a' -> x"});
  t.push_back({"->>",
               {kJsonb, kInteger},
               kText,
               Rows<Element<true>>,
               "an element of an array as text",
               "'[1, 2]'::jsonb ->> 1 -> 2"});
  t.push_back({"#>",
               {kJsonb, kTextList},
               kJsonb,
               Rows<Path<false>>,
               "the value at a path",
               "'{\"a\": [1, {\"b\": 2}]}'::jsonb #> '{a,1,b}' -> 2",
               kTotal});
  t.push_back({"#>>",
               {kJsonb, kTextList},
               kText,
               Rows<Path<true>>,
               "the value at a path as text",
               "'{\"a\": [1, \"x\"]}'::jsonb #>> '{a,1}' -> x"});
  t.push_back({"jsonb_extract_path",
               {kJsonb, kText},
               kJsonb,
               PathOf<false>,
               "the value at a path",
               "jsonb_extract_path('{\"a\": {\"b\": 1}}', 'a', 'b') -> 1",
               kTotal | kVariadic | kSeesNulls});
  t.push_back({"jsonb_extract_path_text",
               {kJsonb, kText},
               kText,
               PathOf<true>,
               "the value at a path as text",
               "jsonb_extract_path_text('{\"a\": {\"b\": \"x\"}}', 'a', 'b') -> x",
               kVariadic | kSeesNulls});
  t.push_back({"json_chain",
               {kJsonb, kAny},
               kJsonb,
               Chain<false>,
               "several -> with constant keys at once",
               "",
               kTotal | kVariadic | kNoHelp,
               PrepareChain});
  t.push_back({"json_chain_text",
               {kJsonb, kAny},
               kText,
               Chain<true>,
               "several -> with constant keys at once, the last ->>",
               "",
               kVariadic | kNoHelp,
               PrepareChain});
}

}  // namespace streamrun
