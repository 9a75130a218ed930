// ip_in(address, networks): is the address in one of many networks? A constant list is sorted once.
#include <optional>

#include "core/data/text_io.h"
#include "core/expr/function.h"
#include "core/expr/functions/ip_set.h"
#include "core/expr/functions/row_status.h"
#include "core/expr/kernel.h"

namespace streamrun {

namespace {

// The networks of one text or list; null elements are passed over.
Status Fill(IpSet& set, std::string_view networks) { return set.AddAll(networks); }
Status Fill(IpSet& set, const ListView& networks) {
  for (int32_t i = networks.begin; i < networks.end; ++i) {
    if (networks.child->IsNull(i)) continue;
    SR_RETURN_IF_ERROR(set.Add(networks.child->Text(i)));
  }
  return Status::Ok();
}

// What tells whether two lists are the same one.
std::string KeyOf(std::string_view networks) { return std::string(networks); }
std::string KeyOf(const ListView& networks) {
  std::string key;
  for (int32_t i = networks.begin; i < networks.end; ++i) {
    if (networks.child->IsNull(i)) continue;
    key += networks.child->Text(i);
    key += '\0';
  }
  return key;
}

template <typename List>
Result<std::shared_ptr<const void>> PrepareNetworks(std::span<const ColumnPtr> constants) {
  const ColumnPtr& networks = constants[1];
  if (!networks || networks->IsNull(0)) return std::shared_ptr<const void>();
  auto set = std::make_shared<IpSet>();
  const Reader<List> lists(Vector{networks, true});
  SR_RETURN_IF_ERROR(Fill(*set, lists[0]));
  set->Seal();
  return std::shared_ptr<const void>(std::move(set));
}

// The set of each row when the list varies: the last one is kept.
template <typename List>
class VaryingNetworks {
 public:
  // Null after failing the row.
  const IpSet* Find(Row& row, const List& networks) {
    std::string key = KeyOf(networks);
    if (last_ && key == key_) return &*last_;
    last_.emplace();
    if (const Status status = Fill(*last_, networks); !status.ok()) {
      last_.reset();
      row.Fail("22P02", status.message());
      return nullptr;
    }
    last_->Seal();
    key_ = std::move(key);
    return &*last_;
  }

 private:
  std::optional<IpSet> last_;
  std::string key_;
};

// False after failing the row.
bool ToInet(Row&, const Inet& value, Inet* out) {
  *out = value;
  return true;
}
bool ToInet(Row& row, std::string_view text, Inet* out) {
  const auto parsed = ParseInet(text);
  if (parsed.ok()) {
    *out = *parsed;
  } else {
    row.Fail("22P02", parsed.status().message());
  }
  return parsed.ok();
}

template <typename Address, typename List>
ColumnPtr IpIn(KernelCall& call) {
  const Reader<Address> addresses(call.arg(0));
  const Reader<List> lists(call.arg(1));
  const auto* prepared = call.prepared<IpSet>();
  VaryingNetworks<List> varying;
  Writer<bool> out(call);
  Row row(call);
  ForEachRow(call.live(), call.rows(), [&](int64_t number) {
    row.MoveTo(number);
    Inet address;
    if (!ToInet(row, addresses[number], &address)) return;
    const IpSet* set = prepared != nullptr ? prepared : varying.Find(row, lists[number]);
    if (set != nullptr) out.Put(number, set->Contains(address));
  });
  return out.Finish(call);
}

}  // namespace

void AddIpIn(FunctionTable& t) {
  using enum Arg;
  constexpr std::string_view kHelp =
      "true when the address is in one of the networks, ::ffff:a.b.c.d counting as the IPv4 address; a "
      "constant "
      "list is sorted once and may have thousands";
  t.push_back({"ip_in",
               {kInet, kTextList},
               kBoolean,
               IpIn<Inet, ListView>,
               kHelp,
               "ip_in('10.1.2.3'::inet, ARRAY['10.0.0.0/8', 'fd00::/8']) -> t",
               kAddition,
               PrepareNetworks<ListView>});
  t.push_back({"ip_in",
               {kInet, kText},
               kBoolean,
               IpIn<Inet, std::string_view>,
               kHelp,
               "ip_in('10.1.2.3'::inet, '192.168.0.0/16, 172.16.0.0/12') -> f",
               kAddition,
               PrepareNetworks<std::string_view>});
  t.push_back({"ip_in",
               {kText, kTextList},
               kBoolean,
               IpIn<std::string_view, ListView>,
               kHelp,
               "ip_in('::1', ARRAY['127.0.0.0/8', '::1']) -> t",
               kAddition,
               PrepareNetworks<ListView>});
  t.push_back({"ip_in",
               {kText, kText},
               kBoolean,
               IpIn<std::string_view, std::string_view>,
               kHelp,
               "ip_in('10.1.2.3', '10.0.0.0/8, fd00::/8') -> t",
               kAddition,
               PrepareNetworks<std::string_view>});
}

}  // namespace streamrun
