/// The filters of jinja2.
enum JinjaFilter: String, Sendable {
    case abs, attr, batch, capitalize, center, count, d, dictsort, e, escape, first, float, forceescape, format, groupby
    case indent, int, items, join, last, length, list, lower, map, max, min, reject, rejectattr, replace, reverse, round
    case safe, select, selectattr, slice, sort, string, sum, title, tojson, trim, truncate, unique, upper, urlencode
    case wordcount
    case defaultValue = "default"
    // Not supported.
    case filesizeformat, pprint, random, striptags, urlize, wordwrap, xmlattr
}

extension JinjaInterpreter {
    func filter(
        _ value: JinjaValue, _ call: JinjaFilterCall, _ frame: JinjaFrame
    ) throws(JinjaError) -> JinjaValue {
        guard let filter = call.filter else {
            go(to: call.offset)
            throw .evaluation("there is no filter '\(call.name)'")
        }
        var arguments = try arguments(call.arguments, call.name, nil, frame)
        go(to: call.offset)
        return try apply(filter, to: value, &arguments)
    }

    /// What `map` calls by name.
    func filter(named name: JinjaValue) throws(JinjaError) -> JinjaFilter {
        guard let filter = name.text.flatMap(JinjaFilter.init) else {
            throw .evaluation("there is no filter '\(try text(of: name))'")
        }
        return filter
    }

    func apply(
        _ filter: JinjaFilter, to value: JinjaValue, _ arguments: inout JinjaArguments
    ) throws(JinjaError) -> JinjaValue {
        switch filter {
        case .capitalize, .center, .e, .escape, .forceescape, .format, .indent, .lower, .replace, .safe, .string,
            .title,
            .trim, .truncate, .upper, .urlencode, .wordcount:
            return try textFilter(filter, value, &arguments)
        case .abs, .float, .int, .round: return try numberFilter(filter, value, &arguments)
        case .batch, .dictsort, .groupby, .items, .map, .max, .min, .reject, .rejectattr, .select, .selectattr, .slice,
            .sort,
            .sum, .unique:
            return try collectionFilter(filter, value, &arguments)
        case .d, .defaultValue:
            let replacement = try arguments.take("default_value") ?? .string("")
            let takesFalse = try arguments.take("boolean")?.isTrue ?? false
            try arguments.finish()
            return value.isUndefined || takesFalse && !value.isTrue ? replacement : value
        case .tojson:
            var writer = try JinjaJSONWriter(&arguments, self)
            return try string(writer.json(value))
        case .count, .length:
            try arguments.finish()
            guard let length = try length(of: value) else { throw .evaluation("a \(value.typeName) has no length") }
            return .integer(length)
        case .first:
            try arguments.finish()
            return try elements(of: value, upTo: 1).first ?? .undefined("the first item of nothing")
        case .last:
            try arguments.finish()
            return try reversible(value).last ?? .undefined("the last item of nothing")
        case .list:
            try arguments.finish()
            return try list(elements(of: value))
        case .join: return try join(value, &arguments)
        case .reverse:
            try arguments.finish()
            if let text = value.text {
                let reversed = String(String.UnicodeScalarView(text.unicodeScalars.reversed()))
                try spend(bytes: reversed.utf8.count)
                return value.isMarkup ? .markup(reversed) : .string(reversed)
            }
            let elements = try elements(of: value)
            try spend(elements: elements.count)
            return .object(try JinjaIterator(elements.reversed(), depth: value.depth))
        case .attr:
            let name = try arguments.needText("name")
            try arguments.finish()
            let undefined = JinjaUndefined("the attribute '\(name)'")
            if case .mapping = value {
                let found = try attribute(JinjaName(name), of: value, undefined)
                if case .object(let object) = found, object is JinjaMethod { return found }
                return .undefined(undefined)
            }
            return try attribute(JinjaName(name), of: value, undefined)
        case .filesizeformat, .pprint, .random, .striptags, .urlize, .wordwrap, .xmlattr:
            throw JinjaError(.unsupported, "the filter '\(filter.rawValue)'")
        }
    }

    private func join(_ value: JinjaValue, _ arguments: inout JinjaArguments) throws(JinjaError) -> JinjaValue {
        let separator = try text(of: arguments.take("d") ?? .string(""))
        let attribute = try arguments.take("attribute")
        try arguments.finish()
        let getter = try attribute.map { value throws(JinjaError) in try JinjaPath(value) }
        var result = ""
        var isFirst = true
        for element in try elements(of: value) {
            if !isFirst { result += separator }
            isFirst = false
            let element = try getter.map { path throws(JinjaError) in try self.value(at: path, of: element) } ?? element
            result += try text(of: element)
            try spend(bytes: result.utf8.count / 16)
        }
        return try string(result)
    }

    /// The elements of what can be gone through from its end.
    private func reversible(_ value: JinjaValue) throws(JinjaError) -> [JinjaValue] {
        if case .object(let object) = value, !(object is JinjaRange), !(object is JinjaView) {
            throw .evaluation("a \(value.typeName) has no end to begin from")
        }
        return try elements(of: value)
    }
}
