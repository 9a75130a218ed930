// What a component's Bind function is given: its configuration, its input schemas, and a place for problems.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/component/config_spec.h"
#include "core/expr/expression.h"
#include "core/stream/table.h"

namespace streamrun {

class BindContext {
 public:
  BindContext(std::string node, std::string what, const ConfigValue& config,
              std::vector<std::string> common_fields, Diagnostics& diagnostics)
      : node_(std::move(node)),
        what_(std::move(what)),
        config_(config),
        common_fields_(std::move(common_fields)),
        diagnostics_(diagnostics) {}
  virtual ~BindContext() = default;

  /// Name of the node in the pipeline file.
  const std::string& node() const { return node_; }
  /// "operator 'filter'": how messages call it.
  const std::string& what() const { return what_; }
  const ConfigValue& config() const { return config_; }
  Diagnostics& diagnostics() { return diagnostics_; }

  /// Schemas of the inputs, in the order of `input:`, and the nodes (or node.port) they come from.
  std::vector<SchemaPtr> inputs;
  std::vector<std::string> input_names;
  /// Every source upstream ends by itself.
  bool bounded = false;

  /// Reads the component's own fields; keys common to all nodes are left to the plan.
  bool ReadConfig(const std::vector<FieldSpec>& fields, void* config) {
    return ReadFields(config_, fields, common_fields_, what_, config, diagnostics_);
  }

  /// Reports what is wrong with an expression, with the caret at the token. Always null.
  ExpressionPtr Report(const Sql& sql, const ExprProblem& problem);
  /// Binds; a problem is reported with the caret at the token and gives null.
  ExpressionPtr Bind(const Sql& sql, const Scope& scope);
  /// The same, cast as an assignment would; for predicates: BindAs(sql, scope, TypeId::kBoolean).
  ExpressionPtr BindAs(const Sql& sql, const Scope& scope, const DataType& type);
  /// Index of the column that `name` (a scalar) means, or -1 after reporting.
  int Column(const ConfigValue& name, const Schema& schema);

  /// False after reporting when `input` carries changes and the expression may differ from call to call: the
  /// retraction of a row would not repeat what its insertion said.
  bool CheckRepeatable(const Sql& sql, const Expression& expression, const Schema& input);

  /// A nested bounded source (`table:`), null after reporting. Default connector: file.
  virtual std::shared_ptr<const TableFactory> BindTable(const NestedComponent& component) = 0;

 private:
  std::string node_;
  std::string what_;
  const ConfigValue& config_;
  std::vector<std::string> common_fields_;
  Diagnostics& diagnostics_;
};

}  // namespace streamrun
