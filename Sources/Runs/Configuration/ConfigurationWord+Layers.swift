import Configuration
import PreferenceData

// Choices that the layers below define are written in a configuration by their raw values.

extension BadRecordPolicy: ConfigurationWord {}
extension TruncationMode: ConfigurationWord {}
