#include "connectors/file/part_choice.h"

#include <algorithm>

#include "connectors/file/path_pattern.h"

namespace streamrun {

namespace {

// An earlier attempt left full parts without their name; the last one is gone on with.
Result<PartChoice> ContinueParts(const SinkPath& path, const PartNumbers& there, const SinkContext& context) {
  PartChoice choice;
  choice.has_parts = there.last() > 0;
  choice.number = std::max<uint64_t>(there.last(), 1);
  if (there.published.contains(choice.number)) ++choice.number;
  for (const uint64_t number : there.in_progress) {
    if (number == choice.number) continue;
    SinkPart& part = choice.full.emplace_back();
    part.path = AbsolutePath(PartPath(path, context.instance, number));
    part.written = InProgressPath(part.path);
    SR_ASSIGN_OR_RETURN(const FileInfo info, context.env->Info(part.written));
    part.length = info.size;
    part.inode = info.inode;
    part.worker = context.instance;
    part.number = number;
    part.finished = true;
  }
  return choice;
}

}  // namespace

uint64_t PartNumbers::last() const {
  return std::max(published.empty() ? 0 : *published.rbegin(),
                  in_progress.empty() ? 0 : *in_progress.rbegin());
}

PartNumbers NumbersOnDisk(Env* env, const SinkPath& path, int worker) {
  PartNumbers numbers;
  const Result<std::vector<std::string>> names = env->List(DirectoryOf(path.marked()));
  if (!names.ok()) return numbers;
  for (const std::string& name : *names) {
    if (const auto number = path.NumberOf(name, worker)) numbers.published.insert(*number);
    if (const auto number = path.NumberOfInProgress(name, worker)) numbers.in_progress.insert(*number);
  }
  return numbers;
}

std::string PartPath(const SinkPath& path, int worker, uint64_t number) {
  return BehindLink(path.Expand(worker, number));
}

Result<PartChoice> ChooseFirstPart(const SinkPath& path, IfExists if_exists, const SinkContext& context) {
  Env* const env = context.env;
  const PartNumbers there = NumbersOnDisk(env, path, context.instance);
  if (context.start == OutputStart::kContinue) return ContinueParts(path, there, context);
  const auto file = [&](uint64_t number) { return PartPath(path, context.instance, number); };
  for (const uint64_t number : there.in_progress)
    SR_RETURN_IF_ERROR(env->Remove(InProgressPath(file(number))));
  PartChoice choice;
  if (if_exists == IfExists::kAppend) {
    if (!there.published.empty()) choice.number = *there.published.rbegin() + 1;
    return choice;
  }
  for (const uint64_t number : there.published) {
    if (if_exists == IfExists::kFail && context.start == OutputStart::kFresh) {
      return Status(Code::kAlreadyExists, file(number) +
                                              " exists and `if_exists` is fail; remove the parts of the "
                                              "earlier run or write if_exists: replace");
    }
    SR_RETURN_IF_ERROR(env->Remove(file(number)));
  }
  return choice;
}

Result<PartChoice> ChooseNextPart(const SinkPath& path, const std::vector<SinkPart>& parts,
                                  const SinkContext& context) {
  std::set<std::string> counted;
  uint64_t last = 0;
  for (const SinkPart& part : parts) {
    counted.insert(part.path);
    if (part.worker == context.instance) last = std::max(last, part.number);
  }
  Env* const env = context.env;
  const auto file = [&](uint64_t number) { return PartPath(path, context.instance, number); };
  const PartNumbers there = NumbersOnDisk(env, path, context.instance);
  for (const uint64_t number : there.in_progress) {
    if (counted.contains(AbsolutePath(file(number)))) continue;
    SR_RETURN_IF_ERROR(env->Remove(InProgressPath(file(number))));
  }
  for (const uint64_t number : there.published) {
    if (last == 0 || number <= last) continue;
    SR_RETURN_IF_ERROR(env->Remove(file(number)));
  }
  PartChoice choice;
  choice.has_parts = last > 0 || !there.published.empty();
  if (last == 0 && !there.published.empty()) last = *there.published.rbegin();
  choice.number = last + 1;
  return choice;
}

}  // namespace streamrun
