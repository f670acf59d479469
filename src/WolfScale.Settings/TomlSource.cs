using System.Collections.Immutable;
using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace WolfScale.Settings;

/// <summary>Reads a TOML text into values with their positions. Which keys exist is not its business.</summary>
public static class TomlSource
{
    /// <summary>
    /// Reads <paramref name="toml"/>. What does not parse is a finding; the values are empty then, because half a file says nothing reliable.
    /// </summary>
    public static ImmutableArray<GivenValue> Read(string toml, string source, List<Finding> findings)
    {
        var document = SyntaxParser.Parse(toml, source, validate: true);
        if (document.HasErrors)
        {
            foreach (var message in document.Diagnostics)
                findings.Add(new Finding(Severity.Error, "syntax", "", At(message.Span.Start, source), message.Message));
            return [];
        }

        var values = ImmutableArray.CreateBuilder<GivenValue>();
        foreach (var pair in document.KeyValues)
            Add("", pair, source, values);
        foreach (var table in document.Tables)
            ReadTable(table, source, values);
        return values.ToImmutable();
    }

    private static void ReadTable(TableSyntaxBase table, string source, ImmutableArray<GivenValue>.Builder values)
    {
        var path = Names(table.Name!);
        if (table is TableArraySyntax)
        {
            var items = ImmutableArray.CreateBuilder<GivenValue>();
            foreach (var pair in table.Items)
                Add("", pair, source, items);
            var position = At(table.Name!.Span.Start, source);
            var one = new GivenTable(items.ToImmutable(), position);
            var section = string.Join('.', path.Take(path.Count - 1));
            var known = values.ToList().FindIndex(v => v.Section == section && v.Key == path[^1] && v.Value is ImmutableArray<GivenTable>);
            if (known >= 0)
                values[known] = values[known] with { Value = ((ImmutableArray<GivenTable>)values[known].Value!).Add(one) };
            else
                values.Add(new GivenValue(section, path[^1], ImmutableArray.Create(one), position));
            return;
        }

        values.Add(new GivenValue(string.Join('.', path), "", null, At(table.Name!.Span.Start, source)));
        foreach (var pair in table.Items)
            Add(string.Join('.', path), pair, source, values);
    }

    private static void Add(string section, KeyValueSyntax pair, string source, ImmutableArray<GivenValue>.Builder values)
    {
        var path = Names(pair.Key!);
        var full = section.Length > 0 ? [section, .. path.Take(path.Count - 1)] : path.Take(path.Count - 1);
        var position = At(pair.Key!.Span.Start, source);
        if (pair.Value is InlineTableSyntax inline)
        {
            foreach (var item in inline.Items)
                Add(string.Join('.', [.. full, path[^1]]), item.KeyValue!, source, values);
            return;
        }

        values.Add(new GivenValue(string.Join('.', full), path[^1], Value(pair.Value!, source), position));
    }

    private static object? Value(ValueSyntax value, string source) => value switch
    {
        StringValueSyntax text => text.Value ?? "",
        IntegerValueSyntax number => number.Value,
        FloatValueSyntax number => number.Value,
        BooleanValueSyntax boolean => boolean.Value,
        ArraySyntax { Items: var items } when items.Any(i => i.Value is InlineTableSyntax) => items.Select(i => Table(i, source)).ToImmutableArray(),
        ArraySyntax array => array.Items.Select(i => Value(i.Value!, source) ?? "").ToImmutableArray(),
        _ => null,
    };

    private static GivenTable Table(ArrayItemSyntax item, string source)
    {
        var values = ImmutableArray.CreateBuilder<GivenValue>();
        if (item.Value is InlineTableSyntax inline)
        {
            foreach (var entry in inline.Items)
                Add("", entry.KeyValue!, source, values);
        }

        return new GivenTable(values.ToImmutable(), At(item.Span.Start, source));
    }

    private static List<string> Names(KeySyntax key) =>
        [Name(key.Key!), .. key.DotKeys.Select(dot => Name(dot.Key!))];

    private static string Name(BareKeyOrStringValueSyntax key) => key switch
    {
        StringValueSyntax text => text.Value ?? "",
        BareKeySyntax bare => bare.Key?.Text ?? "",
        _ => key.ToString() ?? "",
    };

    private static SourcePosition At(TextPosition position, string source) => new(source, position.Line + 1, position.Column + 1);
}
