using System.Collections.Immutable;
using System.Globalization;

namespace WolfScale.Settings;

/// <summary>Turns a given value into what the key's property holds, or says why it cannot.</summary>
internal static class ValueReader
{
    /// <summary>The value for <paramref name="key"/>, or null with the reason in <paramref name="problem"/>.</summary>
    public static object? Read(KeySchema key, GivenValue given, out string problem)
    {
        problem = "";
        var value = given.IsText ? FromText(key, (string)given.Value!) : given.Value;
        var type = key.Type;
        if (type == typeof(string))
            return value as string ?? Wrong(key, "a string in quotes", value, out problem);
        if (type == typeof(bool))
            return value is bool ? value : Wrong(key, "true or false", value, out problem);
        if (type == typeof(int) || type == typeof(long))
            return Number(key, value, out problem);
        if (type.IsEnum)
            return Choice(key, value, out problem);
        if (type == typeof(ImmutableArray<string>))
            return List(key, value, out problem);
        throw new InvalidOperationException($"No reader for a key of type {type}.");
    }

    private static object? Number(KeySchema key, object? value, out string problem)
    {
        problem = "";
        if (value is not long number)
            return Wrong(key, "a whole number", value, out problem);
        var (minimum, maximum) = (key.Range?.Minimum ?? int.MinValue, key.Range?.Maximum ?? int.MaxValue);
        if (number < minimum || number > maximum)
        {
            problem = string.Create(CultureInfo.InvariantCulture, $"{key.Name} = {number} is out of range: {minimum} to {maximum}");
            return null;
        }

        return key.Type == typeof(int) ? (object)(int)number : number;
    }

    private static object? Choice(KeySchema key, object? value, out string problem)
    {
        problem = "";
        var choices = string.Join(", ", KeySchema.ChoicesOf(key.Type).Select(c => $"\"{c}\""));
        if (value is not string text)
            return Wrong(key, "one of " + choices, value, out problem);
        var name = Enum.GetNames(key.Type).FirstOrDefault(n => string.Equals(ConfigurationSchema.SnakeCase(n), text, StringComparison.OrdinalIgnoreCase));
        if (name is not null)
            return Enum.Parse(key.Type, name);
        var nearest = NearestName.Find(text, KeySchema.ChoicesOf(key.Type));
        problem = $"{key.Name} = \"{text}\" is not one of {choices}" + (nearest is null ? "" : $"; did you mean \"{nearest}\"?");
        return null;
    }

    private static object? List(KeySchema key, object? value, out string problem)
    {
        problem = "";
        if (value is ImmutableArray<object> items && items.All(i => i is string))
            return items.Cast<string>().ToImmutableArray();
        return Wrong(key, "a list of strings, [\"host:port\", …]", value, out problem);
    }

    private static object? Wrong(KeySchema key, string expected, object? value, out string problem)
    {
        // A secret of the wrong type is still a secret: only its kind is told.
        var shown = key.Secret ? Kind(value) : Show(value);
        problem = $"{key.Name} must be {expected}, not {shown}";
        return null;
    }

    private static string Kind(object? value) => value switch
    {
        string => "a string",
        long or double => "a number",
        bool => "true or false",
        null => "a date or time",
        _ => "a list",
    };

    private static string Show(object? value) => value switch
    {
        string text => $"\"{text}\"",
        bool boolean => boolean ? "true" : "false",
        long or double => Convert.ToString(value, CultureInfo.InvariantCulture)!,
        _ => Kind(value),
    };

    /// <summary>An environment variable holds text only: read it as the key's type wants it, and leave it as text where it does not fit.</summary>
    private static object FromText(KeySchema key, string text)
    {
        if (key.Type == typeof(bool))
            return text.Trim().ToLowerInvariant() switch { "true" or "1" or "on" or "yes" => true, "false" or "0" or "off" or "no" => false, _ => text };
        if (key.Type == typeof(int) || key.Type == typeof(long))
            return long.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : text;
        if (key.Type == typeof(ImmutableArray<string>))
            return text.Trim().TrimStart('[').TrimEnd(']').Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Select(item => (object)item.Trim('"', '\'')).ToImmutableArray();
        return text;
    }
}
