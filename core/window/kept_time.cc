#include "core/window/kept_time.h"

#include <algorithm>

#include "core/window/aggregation_state.h"

namespace streamrun {

StateShape TimeState() {
  return {"time", std::make_shared<const Schema>(),
          std::make_shared<const Schema>(
              std::vector<Field>{{"time", TypeId::kBigint}, {"timer", TypeId::kBigint}})};
}

Status KeptTime::Save(const TakeRows& take) const {
  return take(std::make_shared<const Batch>(
      TimeState().Row(), 1,
      std::vector<ColumnPtr>{BigintColumn({*time_}), BigintColumn({timer_ ? *timer_ : kMaxTimestamp})}));
}

Status KeptTime::Load(const BatchPtr& rows) {
  for (int64_t row = 0; row < rows->rows(); ++row) {
    const Timestamp time = rows->column(0)->values<int64_t>()[row];
    const Timestamp timer = rows->column(1)->values<int64_t>()[row];
    *time_ = any_ ? std::min(*time_, time) : time;
    if (timer_) *timer_ = any_ ? std::min(*timer_, timer) : timer;
    any_ = true;
  }
  if (loaded_) loaded_();
  return Status::Ok();
}

}  // namespace streamrun
