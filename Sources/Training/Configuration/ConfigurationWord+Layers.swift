import Configuration
import Objectives
import PreferenceData
import Torch

// Choices that the layers below define are written in a configuration by their raw values.

extension BadRecordPolicy: ConfigurationWord {}
extension TruncationMode: ConfigurationWord {}
extension LearningRateSchedule.Decay: ConfigurationWord {}
extension DPOLoss.Form: ConfigurationWord {}
