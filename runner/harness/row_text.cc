#include "runner/harness/row_text.h"

#include <charconv>

#include "core/component/diagnostics.h"
#include "core/data/json_text.h"
#include "core/data/text_io.h"

namespace streamrun {

namespace {

void AppendJsonString(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (u < 0x20) {
      constexpr char kHex[] = "0123456789abcdef";
      out += "\\u00";
      out += kHex[u >> 4];
      out += kHex[u & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

// A YAML tree as JSON: plain scalars that are numbers, booleans or null keep their kind.
void AppendJson(const ConfigValue& value, std::string& out) {
  switch (value.kind()) {
    case ConfigValue::Kind::kAbsent:
    case ConfigValue::Kind::kNull:
      out += "null";
      return;
    case ConfigValue::Kind::kScalar: {
      const std::string& text = value.text();
      const bool literal = !value.quoted() && (text == "true" || text == "false" || ValidateJson(text).ok());
      literal ? void(out += text) : AppendJsonString(text, out);
      return;
    }
    case ConfigValue::Kind::kList: {
      out += '[';
      for (const ConfigValue& item : value.items()) {
        if (out.back() != '[') out += ", ";
        AppendJson(item, out);
      }
      out += ']';
      return;
    }
    case ConfigValue::Kind::kMap: {
      out += '{';
      bool first = true;
      for (const auto& [key, item] : value.entries()) {
        if (!first) out += ", ";
        first = false;
        AppendJsonString(key.text(), out);
        out += ": ";
        AppendJson(item, out);
      }
      out += '}';
    }
  }
}

bool IsChangeName(std::string_view name) {
  for (const ChangeKind kind :
       {ChangeKind::kInsert, ChangeKind::kUpdateBefore, ChangeKind::kUpdateAfter, ChangeKind::kDelete}) {
    if (ChangeName(kind) == name) return true;
  }
  return false;
}

}  // namespace

Status AppendConfigValue(const ConfigValue& value, ColumnBuilder& builder) {
  const TypeId type = builder.type().id();
  if (value.is_null() || !value.present()) {
    builder.AppendNull();
    return Status::Ok();
  }
  if (type == TypeId::kList && value.is_list()) {
    const int64_t before = builder.child().length();
    for (const ConfigValue& item : value.items()) {
      if (Status s = AppendConfigValue(item, builder.child()); !s.ok()) {
        builder.child().TruncateTo(before);
        return s;
      }
    }
    builder.CloseList();
    return Status::Ok();
  }
  if (type == TypeId::kJsonb && (!value.is_scalar() || !value.quoted())) {
    std::string json;
    AppendJson(value, json);
    builder.AppendText(json);
    return Status::Ok();
  }
  if (!value.is_scalar()) {
    return Status::InvalidArgument("a column of type " + builder.type().ToString() +
                                   " takes a single value, not " + std::string(value.KindName()));
  }
  return AppendParsed(value.text(), builder);
}

RowText RowOf(const Batch& batch, int64_t row) {
  RowText out;
  for (int c = 0; c < batch.schema()->size(); ++c) {
    if (batch.pruned(c) || batch.column(c)->IsNull(row)) {
      out.emplace_back();
      continue;
    }
    std::string text;
    if (batch.column(c)->type().id() == TypeId::kJsonb) {
      AppendCanonicalJson(batch.column(c)->Text(row), JsonForm::kPrinted, text);
    } else {
      PrintValue(*batch.column(c), row, text);
    }
    out.emplace_back(std::move(text));
  }
  if (batch.schema()->changes) out.emplace_back(std::string(ChangeName(batch.change(row))));
  return out;
}

Status RowOfConfig(const ConfigValue& map, const Schema& schema, RowText* row, std::vector<bool>* mentioned) {
  mentioned->assign(static_cast<size_t>(schema.size()) + (schema.changes ? 1 : 0), false);
  std::string change(ChangeName(ChangeKind::kInsert));
  for (const auto& [key, value] : map.entries()) {
    if (schema.changes && key.text() == kChangeKey) {
      change = value.text();
      if (!IsChangeName(change)) {
        return Status::InvalidArgument(std::string(kChangeKey) +
                                       " is insert, update_before, update_after or delete, not '" + change +
                                       "'");
      }
      mentioned->back() = true;
      continue;
    }
    const int column = schema.Find(key.text());
    if (column < 0) {
      std::vector<std::string_view> names;
      for (const Field& f : schema.fields()) names.push_back(f.name);
      std::string message = "there is no column '" + key.text() + "'";
      if (const std::string hint = DidYouMean(key.text(), names); !hint.empty()) message += "; " + hint;
      return Status::InvalidArgument(message + " (columns: " + schema.ToString() + ")");
    }
    (*mentioned)[static_cast<size_t>(column)] = true;
  }
  std::vector<ColumnPtr> columns;
  for (const Field& field : schema.fields()) {
    ColumnBuilder builder(field.type);
    const ConfigValue* value = nullptr;
    for (const auto& [key, v] : map.entries()) {
      if (schema.Find(key.text()) == static_cast<int>(columns.size())) value = &v;
    }
    SR_RETURN_IF_ERROR(AppendConfigValue(value ? *value : ConfigValue(), builder)
                           .WithContext("column '" + field.name + "'"));
    columns.push_back(builder.Finish());
  }
  *row = RowOf(Batch(std::make_shared<const Schema>(schema), 1, std::move(columns)), 0);
  if (schema.changes) row->back() = change;
  return Status::Ok();
}

std::string PrintRow(const RowText& row, const Schema& schema, const std::vector<bool>* only) {
  std::string out = "{";
  for (size_t c = 0; c < row.size(); ++c) {
    if (only && !(*only)[c]) continue;
    const bool change = c == static_cast<size_t>(schema.size());
    if (change && row[c] == ChangeName(ChangeKind::kInsert)) continue;
    if (out.size() > 1) out += ", ";
    out += (change ? std::string(kChangeKey) : schema.field(static_cast<int>(c)).name) + ": " +
           (row[c] ? *row[c] : "null");
  }
  return out + "}";
}

}  // namespace streamrun
