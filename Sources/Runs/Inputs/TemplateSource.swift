import Configuration
import Foundation
import JSON
import Tokenizers

extension RunConfiguration {
    /// The template that `chat_template` gives: by name, as a file, or as its text; `nil` where the key is not given.
    ///
    /// - Throws: ``ConfigurationError`` for a file that is not there, no template or unknown name.
    func namedTemplate() throws -> ChatTemplate? {
        guard let text = chatTemplate else { return nil }
        do {
            return try text.isTemplateText
                ? ChatTemplate(jinja: text, name: "of chat_template") : ChatTemplate(named: text)
        } catch {
            guard case .unknownName(_, let nearest, let known) = error else {
                throw self.error(
                    at: "chat_template", "\(error)", remedy: "correct it, or leave it out for the tokenizer's own")
            }
            throw self.error(
                at: "chat_template", "'\(text)' is no template's name",
                remedy: "did you mean \(nearest)? Write \(known.joined(separator: ", ")), a file, or Jinja text")
        }
    }

    /// A template with what `chat_template_kwargs` tells it.
    ///
    /// - Throws: ``ConfigurationError`` for a variable that it does not read, and a date that is none.
    func told(_ template: ChatTemplate) throws -> ChatTemplate {
        for key in chatTemplateKwargs.keys where !template.reads(key) && (key != "date" || !asksForDate) {
            let names = template.variableNames
            let known = names.isEmpty ? "" : "; it reads \(names.joined(separator: ", "))"
            throw error(
                at: "chat_template_kwargs", "the chat template \(template.name) reads no '\(key)'",
                remedy: "take it out, or correct it\(known)")
        }
        var template = template
        template.variables = chatTemplateKwargs
        template.date = try templateDate()
        return template
    }

    /// Writes down what a template may find otherwise when the run goes on: its text, where it is a file, and the day that it takes
    /// for today, where it asks for one and the configuration does not say: that of the run where there is one, else this day.
    ///
    /// - Throws: ``ConfigurationError`` for a file that cannot be read, and for a variable that is not the user's to give.
    package mutating func fixTemplate() throws {
        if let key = ChatTemplate.ownVariables.first(where: { chatTemplateKwargs[$0] != nil }) {
            throw error(at: "chat_template_kwargs", "\(key) is what each conversation brings", remedy: "take it out")
        }
        if let path = chatTemplate, !path.isTemplateText, path.contains("/") || path.hasSuffix(".jinja") {
            guard let data = try? Data(contentsOf: URL(filePath: path)),
                let jinja = String(validating: data, as: UTF8.self), jinja.isTemplateText
            else {
                throw error(
                    at: "chat_template", "\(path): no such file of Jinja text",
                    remedy: "name a file that holds a template")
            }
            chatTemplate = jinja
        }
        guard chatTemplateKwargs["date"] == nil, asksForDate else { return }
        let run = RunDirectory(URL(filePath: outputDir))
        let files = outputDir.isEmpty ? [] : [run.resolvedConfiguration, run.configuration]
        let written = files.lazy.compactMap { file -> String? in
            guard let yaml = try? String(contentsOf: file, encoding: .utf8),
                let root = try? ConfigurationNode(yaml: yaml, place: { _ in .none })
            else { return nil }
            return root.value(of: "chat_template_kwargs")?.value(of: "date").flatMap { String($0) }
        }
        let today = Calendar(identifier: .gregorian).dateComponents([.year, .month, .day], from: Date())
        let text = String(format: "%04d-%02d-%02d", today.year ?? 2000, today.month ?? 1, today.day ?? 1)
        chatTemplateKwargs["date"] = .string(written.first ?? text)
    }

    private func templateDate() throws -> JinjaDate? {
        guard let value = chatTemplateKwargs["date"], value != .null else { return nil }
        let parts = value.text?.split(separator: "-").compactMap { Int($0) } ?? []
        guard parts.count == 3, let date = JinjaDate(year: parts[0], month: parts[1], day: parts[2]) else {
            throw error(
                at: "chat_template_kwargs", "its date is no day of the calendar", remedy: "write one such as 2026-11-27"
            )
        }
        return date
    }

    private var asksForDate: Bool {
        if let text = try? namedTemplate()?.jinja { return text.contains("strftime_now") }
        let directory = URL(filePath: tokenizerNameOrPath ?? modelNameOrPath)
        return ["chat_template.jinja", "tokenizer_config.json"].contains { name in
            (try? Data(contentsOf: directory.appending(path: name)))
                .map { String(decoding: $0, as: UTF8.self).contains("strftime_now") } ?? false
        }
    }
}

extension String {
    /// Whether it is Jinja and no name or path.
    fileprivate var isTemplateText: Bool { contains("{{") || contains("{%") }
}
