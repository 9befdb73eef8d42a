using System.Buffers;
using System.Diagnostics.Metrics;
using System.Globalization;

namespace MessageDelivery.Web.Metrics;

/// <summary>
/// Reads the hub's meter and what the runtime tells of memory and garbage collection. The figures are made on the thread that asks: the hub's threads count, and do no
/// more. One reading at a time.
/// </summary>
internal sealed class MeterReading : IDisposable
{
    private const string RuntimeMeter = "System.Runtime";
    private static readonly string[] RuntimeInstruments = ["dotnet.gc.", "dotnet.process.memory.", "dotnet.process.cpu.time"];

    private readonly Meter? _meter;
    private readonly MeterListener _listener = new();
    private readonly ArrayBufferWriter<byte> _text = new(16 << 10);
    private readonly PrometheusWriter _writer;

    /// <param name="meter">The hub's; null where it has none.</param>
    public MeterReading(Meter? meter)
    {
        _meter = meter;
        _writer = new(_text);
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (IsShown(instrument))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, labels, _) => _writer.Write(instrument, value.ToString(CultureInfo.InvariantCulture), labels));
        _listener.SetMeasurementEventCallback<int>((instrument, value, labels, _) => _writer.Write(instrument, value.ToString(CultureInfo.InvariantCulture), labels));
        _listener.SetMeasurementEventCallback<double>((instrument, value, labels, _) => _writer.Write(instrument, PrometheusWriter.Text(value), labels));
        _listener.Start();
    }

    /// <summary>Everything as it is now. Good until the next call.</summary>
    /// <param name="defect">An instrument that failed; the others are there.</param>
    public ReadOnlyMemory<byte> Read(out Exception? defect)
    {
        _text.ResetWrittenCount();
        _writer.Reset();
        defect = null;
        try
        {
            _listener.RecordObservableInstruments();
        }
        catch (Exception exception)
        {
            defect = exception;
        }

        return _text.WrittenMemory;
    }

    public void Dispose() => _listener.Dispose();

    private bool IsShown(Instrument instrument) => instrument.IsObservable && (instrument.Meter == _meter
        || (instrument.Meter.Name == RuntimeMeter && RuntimeInstruments.Any(prefix => instrument.Name.StartsWith(prefix, StringComparison.Ordinal))));
}
