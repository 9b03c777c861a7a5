package org.movistream.demo;

import android.app.Activity;
import android.os.Bundle;
import android.view.View;
import android.widget.TextView;

/** Runs a benchmark and shares what it found. */
public final class BenchmarkActivity extends Activity implements BenchmarkRun.Listener {
    private BenchmarkRun run;
    private View runButton;
    private View share;
    private TextView result;

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        setContentView(R.layout.activity_benchmark);
        final DemoApplication application = (DemoApplication) getApplication();
        run = application.benchmarkRun();
        result = (TextView) findViewById(R.id.result);
        runButton = findViewById(R.id.run);
        runButton.setOnClickListener(new View.OnClickListener() {
            @Override
            public void onClick(View view) {
                run.start(application.watcher().settings());
                onChange();
            }
        });
        share = findViewById(R.id.share);
        share.setOnClickListener(new View.OnClickListener() {
            @Override
            public void onClick(View view) {
                share();
            }
        });
    }

    @Override
    protected void onStart() {
        super.onStart();
        run.setListener(this);
        onChange();
    }

    @Override
    protected void onStop() {
        super.onStop();
        run.setListener(null);
    }

    @Override
    public void onChange() {
        result.setText(run.text());
        runButton.setEnabled(!run.isRunning());
        share.setEnabled(!run.json().isEmpty());
    }

    private void share() {
        EventShare.send(this, "application/json", BenchmarkRun.FILE_NAME, run.json());
    }
}
