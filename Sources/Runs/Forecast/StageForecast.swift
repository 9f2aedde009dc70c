/// What a stage will do: who does what, how batches are divided, what memory it takes.
package struct StageForecast {
    /// Ranks that do the same.
    package struct Role {
        package var name: String
        package var ranks: ClosedRange<Int>
        package var memory: MemoryEstimate

        package init(name: String, ranks: ClosedRange<Int>, memory: MemoryEstimate) {
            (self.name, self.ranks, self.memory) = (name, ranks, memory)
        }
    }

    package var configuration: StageConfiguration
    /// Ranks by what they do.
    package var roles: [Role]
    /// How its batches are divided.
    package var batches: Batches
    /// What it asks of frozen models and keeps.
    package var tables: [TableForecast]

    package init(
        configuration: StageConfiguration, roles: [Role], batches: Batches, tables: [TableForecast] = []
    ) {
        (self.configuration, self.roles, self.batches, self.tables) = (configuration, roles, batches, tables)
    }
}
