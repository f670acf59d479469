using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text;

namespace WolfScale.Settings;

/// <summary>One key of one section, as the section's record declares it.</summary>
public sealed class KeySchema
{
    internal KeySchema(PropertyInfo property)
    {
        Property = property;
        Name = ConfigurationSchema.SnakeCase(property.Name);
        Type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        Required = property.IsDefined(typeof(RequiredKeyAttribute));
        Secret = property.IsDefined(typeof(SecretAttribute));
        ReadableFile = property.IsDefined(typeof(ReadableFileAttribute));
        Live = property.IsDefined(typeof(LiveAttribute));
        Range = property.GetCustomAttribute<WithinAttribute>();
    }

    public string Name { get; }

    /// <summary>string, bool, int, long, an enum, or an ImmutableArray of string or of a table's record.</summary>
    public Type Type { get; }

    public bool Required { get; }

    public bool Secret { get; }

    public bool ReadableFile { get; }

    /// <summary>A running node takes a changed value over; else it wants a restart.</summary>
    public bool Live { get; }

    internal WithinAttribute? Range { get; }

    public PropertyInfo Property { get; }

    /// <summary>The record of one table, where the key is an array of tables; else null.</summary>
    internal Type? TableType =>
        Type.IsGenericType && Type.GetGenericArguments()[0] is { IsClass: true } element && element != typeof(string) ? element : null;

    /// <summary>The smallest and the largest number; null where there are no bounds.</summary>
    public (long Minimum, long Maximum)? Bounds => Range is { } range ? (range.Minimum, range.Maximum) : null;

    /// <summary>The texts that are accepted, where they are few.</summary>
    public IEnumerable<string> Choices => Type.IsEnum ? ChoicesOf(Type) : [];

    /// <summary>The keys of one table, where the key is an array of tables; else null.</summary>
    public ImmutableArray<KeySchema>? Tables => TableType is { } table ? ConfigurationSchema.KeysOf(table) : null;

    /// <summary>The value where the file says nothing; null where there is none.</summary>
    public object? Default(SectionSchema section) => Property.GetValue(section.Property!.GetValue(new NodeConfiguration()));

    /// <summary>The texts an enumeration accepts.</summary>
    internal static IEnumerable<string> ChoicesOf(Type enumeration) => Enum.GetNames(enumeration).Select(ConfigurationSchema.SnakeCase);
}

/// <summary>One section: <c>[name]</c>.</summary>
public sealed class SectionSchema
{
    internal SectionSchema(string name, PropertyInfo? property, Type record)
    {
        Name = name;
        Property = property;
        Record = record;
        Keys = ConfigurationSchema.KeysOf(record);
    }

    public string Name { get; }

    public ImmutableArray<KeySchema> Keys { get; }

    public PropertyInfo? Property { get; }

    internal Type Record { get; }

    public KeySchema? Find(string key) => Keys.FirstOrDefault(k => k.Name == key);

    /// <summary>Every name that may stand in the section, the <c>*_file</c> forms of secrets included.</summary>
    public IEnumerable<string> AcceptedNames =>
        Keys.Select(k => k.Name).Concat(Keys.Where(k => k.Secret).Select(k => k.Name + ConfigurationSchema.FileSuffix));
}

/// <summary>
/// The keys that exist, read once from the records of <see cref="NodeConfiguration"/>, so that the declaration of a key is its only one.
/// </summary>
public static class ConfigurationSchema
{
    internal const string FileSuffix = "_file";

    public static ImmutableArray<SectionSchema> Sections { get; } = typeof(NodeConfiguration).GetProperties()
        .Where(p => p.SetMethod is not null && p.PropertyType.Name.EndsWith("Section", StringComparison.Ordinal))
        .Select(p => new SectionSchema(SnakeCase(p.Name), p, p.PropertyType))
        .ToImmutableArray();

    public static SectionSchema? Find(string section) => Sections.FirstOrDefault(s => s.Name == section);

    /// <summary>The keys that a record declares: all that can be set.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "A program that leaves out what it does not call keeps all of this assembly (TrimmerRootAssembly in WolfScale.Ctl.csproj).")]
    internal static ImmutableArray<KeySchema> KeysOf(Type record) =>
        [.. record.GetProperties().Where(p => p.SetMethod is not null).Select(p => new KeySchema(p))];

    /// <summary><c>ElectionTimeoutMinMs</c> → <c>election_timeout_min_ms</c>.</summary>
    public static string SnakeCase(string name)
    {
        var text = new StringBuilder(name.Length + 8);
        foreach (var c in name)
        {
            if (char.IsUpper(c) && text.Length > 0)
                _ = text.Append('_');
            _ = text.Append(char.ToLowerInvariant(c));
        }

        return text.ToString();
    }
}
