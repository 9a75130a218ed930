#include "core/agg/tdigest.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/expr/compare_values.h"

namespace streamrun {

namespace {

// Values that wait to be merged: sorting them costs little beside merging more often.
constexpr size_t kBuffer = 512;

// k1 and its inverse: steps of 1 in k are centroids, small at both ends.
double K(double q) { return TDigest::kCompression / (2 * std::numbers::pi) * std::asin(2 * q - 1); }
double Q(double k) {
  const double angle = std::min(k * 2 * std::numbers::pi / TDigest::kCompression, std::numbers::pi / 2);
  return (std::sin(angle) + 1) / 2;
}

bool Before(const TDigest::Centroid& a, const TDigest::Centroid& b) { return LessDouble(a.mean, b.mean); }

// Weighted mean that also holds for infinities of one sign.
double Mean(const TDigest::Centroid& a, const TDigest::Centroid& b) {
  if (a.mean == b.mean) return a.mean;
  return a.mean + (b.mean - a.mean) * (b.weight / (a.weight + b.weight));
}

}  // namespace

void TDigest::Add(double value) {
  SetBounds(value, value);
  AddCentroid({value, 1});
}

void TDigest::SetBounds(double least, double greatest) {
  least_ = weight_ == 0 || LessDouble(least, least_) ? least : least_;
  greatest_ = weight_ == 0 || LessDouble(greatest_, greatest) ? greatest : greatest_;
}

void TDigest::AddCentroid(Centroid centroid) {
  weight_ += centroid.weight;
  buffer_.push_back(centroid);
  if (buffer_.size() >= kBuffer) Compress();
}

void TDigest::Merge(const TDigest& other) {
  if (other.weight_ == 0) return;
  SetBounds(other.least_, other.greatest_);
  for (const Centroid& centroid : other.Centroids()) AddCentroid(centroid);
}

const std::vector<TDigest::Centroid>& TDigest::Centroids() const {
  Compress();
  return centroids_;
}

void TDigest::Compress() const {
  if (buffer_.empty()) return;
  buffer_.insert(buffer_.end(), centroids_.begin(), centroids_.end());
  std::stable_sort(buffer_.begin(), buffer_.end(), Before);
  centroids_.clear();
  Centroid current = buffer_[0];
  double behind = 0;
  double limit = Q(K(0) + 1) * weight_;
  for (size_t i = 1; i < buffer_.size(); ++i) {
    const Centroid& next = buffer_[i];
    // Infinities and NaN stay by themselves, so that they do not spoil a mean.
    const bool alike = std::isfinite(current.mean) == std::isfinite(next.mean) &&
                       (std::isfinite(next.mean) || current.mean == next.mean);
    if (alike && behind + current.weight + next.weight <= limit) {
      current = {Mean(current, next), current.weight + next.weight};
      continue;
    }
    behind += current.weight;
    limit = Q(K(std::min(1.0, behind / weight_)) + 1) * weight_;
    centroids_.push_back(current);
    current = next;
  }
  centroids_.push_back(current);
  buffer_.clear();
}

// A centroid stands in the middle of its ranks; between two of them, and between the ends and the outermost
// ones, values are taken to be evenly spread.
double TDigest::Quantile(double fraction) const {
  const std::vector<Centroid>& all = Centroids();
  const double rank = fraction * (weight_ - 1);
  if (rank <= 0) return least_;
  if (rank >= weight_ - 1) return greatest_;
  double left_rank = 0;
  double left = least_;
  double behind = 0;
  for (const Centroid& centroid : all) {
    const double middle = behind + (centroid.weight - 1) / 2;
    if (rank <= middle) {
      const double share = middle > left_rank ? (rank - left_rank) / (middle - left_rank) : 1;
      return left == centroid.mean || share == 1 ? centroid.mean : left + share * (centroid.mean - left);
    }
    left_rank = middle;
    left = centroid.mean;
    behind += centroid.weight;
  }
  const double share = (rank - left_rank) / (weight_ - 1 - left_rank);
  return left == greatest_ ? left : left + share * (greatest_ - left);
}

}  // namespace streamrun
