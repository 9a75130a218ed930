// Common subexpressions: equal subtrees become one node, which a batch evaluates once for each row that needs
// it (Evaluation::Evaluate), wherever in AND, OR and CASE it stands.
#include <unordered_map>

#include "core/data/text_io.h"
#include "core/expr/bind.h"

namespace streamrun {

namespace {

using Kind = ExprNode::Kind;

// Hash-consing: every node gets a key of its own kind and the numbers of its arguments.
class Consing {
 public:
  // The one node for all that equal `node`.
  NodePtr Unique(const NodePtr& node) {
    const auto seen = done_.find(node.get());
    if (seen != done_.end()) return seen->second;
    NodePtr unique = node->is_volatile ? Copy(node) : Intern(Copy(node));
    originals_.push_back(node);
    done_.emplace(node.get(), unique);
    return unique;
  }

  // The tree over unique nodes, with those marked that more than one place refers to.
  NodePtr Mark(const NodePtr& unique) {
    const auto seen = marked_.find(unique.get());
    if (seen != marked_.end()) return seen->second;
    auto copy = std::make_shared<ExprNode>(*unique);
    for (NodePtr& arg : copy->args) arg = Mark(arg);
    const bool worth = copy->kind != Kind::kColumn && copy->kind != Kind::kConstant;
    copy->shared = worth && (unique->is_volatile ? unique->shared : references_[unique.get()] > 1);
    marked_.emplace(unique.get(), copy);
    return copy;
  }

  void CountReferences(const NodePtr& unique) {
    if (++references_[unique.get()] > 1) return;
    for (const NodePtr& arg : unique->args) CountReferences(arg);
  }

 private:
  NodePtr Copy(const NodePtr& node) {
    auto copy = std::make_shared<ExprNode>(*node);
    for (NodePtr& arg : copy->args) arg = Unique(arg);
    return copy;
  }

  NodePtr Intern(NodePtr node) {
    const auto [at, inserted] = by_key_.emplace(KeyOf(*node), node);
    if (inserted) numbers_.emplace(node.get(), numbers_.size());
    return at->second;
  }

  static void AppendNumber(uint64_t number, std::string& key) {
    key.append(reinterpret_cast<const char*>(&number), sizeof(number));
  }

  uint64_t NumberOf(const NodePtr& node) {
    return numbers_.emplace(node.get(), numbers_.size()).first->second;
  }

  std::string KeyOf(const ExprNode& node) {
    std::string key(1, static_cast<char>(node.kind));
    key += node.type.ToString();
    key += '\0';
    AppendNumber(static_cast<uint64_t>(static_cast<int64_t>(node.column)), key);
    AppendNumber(reinterpret_cast<uintptr_t>(node.function), key);
    AppendNumber(node.args.size(), key);
    for (const NodePtr& arg : node.args) AppendNumber(NumberOf(arg), key);
    if (node.each) AppendNumber(NumberOf(Unique(node.each)), key);
    if (node.value) {
      key += node.value->IsNull(0) ? 'n' : 'v';
      PrintValue(*node.value, 0, key);
    }
    return key;
  }

  std::vector<NodePtr> originals_;  // keeps the addresses in done_ from being used again
  std::unordered_map<const ExprNode*, NodePtr> done_;
  std::unordered_map<std::string, NodePtr> by_key_;
  std::unordered_map<const ExprNode*, uint64_t> numbers_;
  std::unordered_map<const ExprNode*, int> references_;
  std::unordered_map<const ExprNode*, NodePtr> marked_;
};

}  // namespace

NodePtr ShareEqual(const NodePtr& root) {
  Consing consing;
  const NodePtr unique = consing.Unique(root);
  consing.CountReferences(unique);
  return consing.Mark(unique);
}

}  // namespace streamrun
