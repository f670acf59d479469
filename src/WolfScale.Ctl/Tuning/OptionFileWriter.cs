namespace WolfScale.Ctl.Tuning;

/// <summary>Writes an option file whole or not at all; MariaDB's own user must be able to read it, and it holds no secret.</summary>
internal static class OptionFileWriter
{
    private const UnixFileMode Usual = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    public static void Write(string path, string text)
    {
        if (OperatingSystem.IsWindows())
            throw new PlatformNotSupportedException();
        var folder = Path.GetDirectoryName(path)!;
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"the folder {folder} does not exist");
        var mode = File.Exists(path) ? File.GetUnixFileMode(path) : Usual;
        // In the same folder, and no *.cnf: a server that starts now does not read it.
        var temporary = $"{path}.{Environment.ProcessId}.new";
        using (var writer = new StreamWriter(temporary, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = mode }))
            writer.Write(text);
        File.SetUnixFileMode(temporary, mode);
        File.Move(temporary, path, overwrite: true);
    }
}
