"""Whether a pose may be drawn by, and how far off a point inside the head may be.

What one camera cannot know (a larger face, a longer lens, a nearer head look alike) lies in the joint solution's covariance; it is carried to
points inside the head, where nothing was measured. How well the surface fits says nothing about these, and is not used as accuracy.

Source: Fitzpatrick, Fiducial registration error and target registration error are uncorrelated, SPIE Medical Imaging 2009.
"""

from __future__ import annotations

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.core.transform import RigidTransform
from diaphane.fuse.register_follow import Followed
from diaphane.fuse.register_model import Model

INSIDE_MM = ((60.0, 0.0, 40.0), (110.0, -40.0, 30.0), (110.0, 40.0, 30.0), (110.0, 0.0, -10.0))
"""Points inside a head by which its uncertainty is told: behind, to the left of and above the middle of the face."""
INFLATED = 1.25
"""Times the model's own standard deviation: matches err together more than the model knows. Set on the two heads for tuning."""
LEAST_MM = 1.5
"""No frame is said to be surer."""
STRANGE = 1.5
"""Root mean square of the deformation over what is expected of one as well known, from which the scan is taken for another person's."""
DOUBTED = 0.35
"""Share of the key frames' matches that do not fit, from which the joint solution is not believed."""
SHARE, FEWEST = 0.4, 30
"""Of a frame's patches, those that must be found where the pose has them; and how many."""
LANDMARKS_OFF = 3.0
FASTEST_MM_S = 2000.0


def uncertainty_mm(model: Model, frame: Followed) -> float:
    """Root mean square distance that a point inside the head is expected to be off."""
    near = frame.near
    joint = model.solution.covariance[6 * near : 6 * near + 6, 6 * near : 6 * near + 6]
    further = frame.pose(model.face.middle)[2] / model.poses[near](model.face.middle)[2]
    scale = np.diag([1, 1, 1, further, further, further])
    turned = frame.pose.rotation @ model.poses[near].rotation.T
    whole = np.kron(np.eye(2), turned)
    whole[3:, 3:] = np.eye(3)  # depth stays depth, whichever way the head is turned
    covariance = scale @ whole @ joint @ whole.T @ scale + frame.covariance
    return float(np.hypot(LEAST_MM, INFLATED * np.sqrt(np.mean([_spread(arm, covariance) for arm in _arms(model, frame.pose)]))))


def _arms(model: Model, pose: RigidTransform) -> FloatArray:
    """From the middle of the face to the points inside, camera axes."""
    behind, left, above = np.array([0, 1.0, 0]), np.array([1.0, 0, 0]), np.array([0, 0, 1.0])
    return np.array([a * behind + b * left + c * above for a, b, c in INSIDE_MM]) @ pose.rotation.T


def _spread(arm: FloatArray, covariance: FloatArray) -> float:
    """Trace of a point's covariance, mm²."""
    cross = np.array([[0, arm[2], -arm[1]], [-arm[2], 0, arm[0]], [arm[1], -arm[0], 0]])
    slope = np.hstack([cross, np.eye(3)])
    return float(np.trace(slope @ covariance @ slope.T))


def doubt_of_model(model: Model) -> str:
    """Why the joint solution is not believed; empty where it is."""
    strange = strangeness(model)
    if strange > STRANGE:
        return f"the face differs from the scan by {strange:.1f} times what is expected: another person's scan, a mirrored one, or another expression"
    matches = model.solution.residuals[model.sightings.point >= model.landmark_count]
    doubted = float((matches > 3).mean()) if len(matches) else 1.0
    if doubted > DOUBTED:
        return f"{doubted:.0%} of what the key frames show does not fit one face of this shape; film the face moving slowly, in even light"
    return ""


def strangeness(model: Model) -> float:
    """1 where the face differs from its scan as faces do: the deformation's coefficients against their spread, less what the frames left open of it."""
    first = 6 * len(model.poses) + 2
    known = 1 - np.diag(model.solution.covariance)[first : first + model.coefficients.size]
    return float(np.sqrt((model.coefficients**2).sum() / max(float(np.clip(known, 0, 1).sum()), 1.0)))


def doubt_of_frame(frame: Followed, uncertain_mm: float, limit_mm: float) -> str:
    """Why one frame's pose is not believed; empty where it is."""
    if frame.agreeing < max(FEWEST, SHARE * frame.tried):
        return f"{frame.agreeing} of {frame.tried} pieces of skin are where the pose has them"
    if np.isfinite(frame.landmarks_off) and frame.landmarks_off > LANDMARKS_OFF:
        return "landmarks and skin disagree about the pose"
    if uncertain_mm > limit_mm:
        return f"the uncertainty is {uncertain_mm:.0f} mm, the limit {limit_mm:.0f} mm"
    return ""
