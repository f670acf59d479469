using System.Collections;
using System.Collections.Immutable;
using System.Globalization;

namespace WolfScale.Server.Hosting.Reloading;

/// <summary>What a file that was read again changes in a program that runs.</summary>
/// <param name="Running">What is to be in force: live keys as in the file, the others as the program was started.</param>
/// <param name="Changed">Live keys that differ.</param>
/// <param name="NeedRestart">Others that differ.</param>
internal sealed record ConfigurationChanges(NodeConfiguration Running, ImmutableArray<ReloadedKey> Changed, ImmutableArray<ReloadedKey> NeedRestart)
{
    /// <summary>Compares two configurations.</summary>
    /// <param name="running">In force.</param>
    /// <param name="file">As read just now; it becomes <see cref="Running"/>.</param>
    /// <param name="parts">Who goes by it.</param>
    public static ConfigurationChanges Between(NodeConfiguration running, NodeConfiguration file, ILiveParts parts)
    {
        var (changed, restart) = (ImmutableArray.CreateBuilder<ReloadedKey>(), ImmutableArray.CreateBuilder<ReloadedKey>());
        foreach (var section in ConfigurationSchema.Sections)
        {
            var (before, after) = (section.Property!.GetValue(running)!, section.Property.GetValue(file)!);
            var tlsToggles = section.Name is "api" or "cluster" && parts.Uses($"{section.Name}.tls_cert") && SpeaksTls(section, before) != SpeaksTls(section, after);
            foreach (var key in section.Keys)
            {
                var name = $"{section.Name}.{key.Name}";
                if (!parts.Uses(name))
                    continue;
                var (from, to) = (key.Property.GetValue(before), key.Property.GetValue(after));
                var live = key.Live && !(tlsToggles && key.ReadableFile) && !parts.WantsRestart(name, running, file);
                if (!Same(from, to))
                    (live ? changed : restart).Add(new ReloadedKey(name, Shown(key, from), Shown(key, to)));
                if (!live)
                    key.Property.SetValue(after, from);
            }
        }

        return new ConfigurationChanges(file, changed.ToImmutable(), restart.ToImmutable());
    }

    /// <summary>A listener that speaks plain text cannot begin to speak TLS, nor the other way round.</summary>
    private static bool SpeaksTls(SectionSchema section, object record) => section.Find("tls_cert")!.Property.GetValue(record) is string { Length: > 0 };

    private static bool Same(object? one, object? other) => one is IEnumerable first and not string && other is IEnumerable second
        ? first.Cast<object>().SequenceEqual(second.Cast<object>())
        : Equals(one, other);

    private static string? Shown(KeySchema key, object? value) => key.Secret || key.Tables is not null ? null : value switch
    {
        null => null,
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        Enum choice => $"\"{ConfigurationSchema.SnakeCase(choice.ToString())}\"",
        IEnumerable list => $"[{string.Join(", ", list.Cast<object>().Select(i => $"\"{i}\""))}]",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    };
}
