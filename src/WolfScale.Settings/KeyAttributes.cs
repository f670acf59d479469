namespace WolfScale.Settings;

/// <summary>The key must be given.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class RequiredKeyAttribute : Attribute;

/// <summary>The value is a secret: never printed, and it may be given as a file with the key <c>NAME_file</c> instead.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SecretAttribute : Attribute;

/// <summary>The value, where given, is the path of a file that this process must be able to read.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ReadableFileAttribute : Attribute;

/// <summary>The smallest and the largest number the key accepts, both included.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class WithinAttribute(long minimum, long maximum) : Attribute
{
    public long Minimum { get; } = minimum;

    public long Maximum { get; } = maximum;
}

/// <summary>
/// A changed value is taken over by a running node (SIGHUP, <c>wolfctl reload</c>). A key without this mark is read when the node starts: a reload tells that it wants a restart.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class LiveAttribute : Attribute;
