using System.Text.Json;

namespace MessageDelivery.Comparison.Results;

/// <summary>Raw results as JSON lines: the run's description, then its samples as they come.</summary>
internal sealed class ResultFile : IDisposable
{
    private readonly StreamWriter _writer;

    private ResultFile(StreamWriter writer) => _writer = writer;

    public static ResultFile Create(string path, RunInfo run)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var file = new ResultFile(new StreamWriter(path) { AutoFlush = true });
        file.Write(new(run, null));
        return file;
    }

    public void Add(Sample sample) => Write(new(null, sample));

    /// <exception cref="FormatException">A line is no result, or the run's description is missing.</exception>
    public static (RunInfo Run, IReadOnlyList<Sample> Samples) Read(string path)
    {
        RunInfo? run = null;
        var samples = new List<Sample>();
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            try
            {
                var result = JsonSerializer.Deserialize(line, ResultJson.Default.ResultLine);
                run ??= result?.Run;
                if (result?.Sample is { } sample)
                {
                    samples.Add(sample);
                }
            }
            catch (JsonException error)
            {
                throw new FormatException($"{path}, line {number}: {error.Message}");
            }
        }

        return (run ?? throw new FormatException($"{path}: no line describes the run"), samples);
    }

    public void Dispose() => _writer.Dispose();

    private void Write(ResultLine line) => _writer.WriteLine(JsonSerializer.Serialize(line, ResultJson.Default.ResultLine));
}
